#pragma once
// A micro-batch: B sequences of T tokens. The host form is what a data loader fills; the device form is what ops read.
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/arena.h"

namespace gradus {

struct HostBatch {
    int B = 0, T = 0;
    std::vector<int32_t> tokens;     // [B,T]
    std::vector<int32_t> targets;    // [B,T]  below 0: not a target
    std::vector<int32_t> positions;  // [B,T]  inside the token's own document
    std::vector<int32_t> first_key;  // [B,T]  row t attends to [first_key, t]

    HostBatch(int batch, int context);
    void clear();  // no targets, one document per sequence
    int64_t valid_targets() const;
};

// Fills sequences [first_sample, first_sample + batch.B) of the run: a pure function of the index of the sample, so
// that accumulation, a resumed run and another number of ranks see the same sequence of samples.
using NextBatch = std::function<void(int64_t first_sample, HostBatch& batch)>;

// The inputs of a model and its heads for each row, on the host or on the device.
struct Columns {
    Tensor tokens, targets, positions;  // [N]    i32
    Tensor lo, hi;                      // [B,T]  i32: row t attends to the keys [lo, hi)

    // visit(name, member, by_sequence) for each column; by_sequence: [B,T], else [N].
    template <class Visit>
    static void each(Visit&& visit) {
        visit("tokens", &Columns::tokens, false);
        visit("targets", &Columns::targets, false);
        visit("positions", &Columns::positions, false);
        visit("lo", &Columns::lo, true);
        visit("hi", &Columns::hi, true);
    }

    void declare(Arena& arena, int B, int T);
};

// Columns in pinned host memory.
struct StagedBatch : Columns {
    void take(const HostBatch&);  // hi: attention is causal
};

// Σ losses on the host, in f64 and in row order.
double sum_of_losses(Tensor on_host);

struct DropoutState {  // p = 0 outside training; the keys are values of the step (engine/step_memory.h)
    double p = 0;
    int64_t first_row = 0;  // of the micro-batch in the global batch
};

struct NoiseState {    // on the embeddings (engine/noise.h); without amplitudes outside training
    Tensor amplitude;  // [N], on the device
    int64_t first_row = 0;
};

// Columns on the device.
struct Batch : Columns {
    DropoutState dropout;
    NoiseState noise;
    // The first of a step: linears overwrite the gradients of their weights (GradientStep::begin).
    bool first_of_step = false;

    // Asynchronous: `staged` must not change until the stream has been synchronised.
    void upload(const Ops& ops, const StagedBatch& staged, Stream stream);
};

// Rows of a call with a KV cache: a token of a sequence at a position.
struct CachedRows {
    Tensor tokens, sequence, position, lo;  // [N]  i32; row n attends to the positions [lo, position]
};

}  // namespace gradus
