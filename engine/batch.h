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

// The inputs of a model and its heads, on the host or on the device, side by side in an arena: one copy moves all of
// them.
struct Columns {
    Tensor tokens, targets, positions;  // [N]    i32
    Tensor order, position_order;       // [N]    i32: the rows sorted by token and by position (kernels/embedding.h)
    Tensor lo, hi;                      // [B,T]  i32: row t attends to the keys [lo, hi)
    Tensor first_row;                   // [2]    i32: an int64_t, the index of the first row in the global batch

    // visit(name, member, by_sequence) for each column; by_sequence: [B,T], else [N].
    template <class Visit>
    static void each(Visit&& visit) {
        visit("tokens", &Columns::tokens, false);
        visit("targets", &Columns::targets, false);
        visit("positions", &Columns::positions, false);
        visit("order", &Columns::order, false);
        visit("position order", &Columns::position_order, false);
        visit("lo", &Columns::lo, true);
        visit("hi", &Columns::hi, true);
    }

    void declare(Arena& arena, int B, int T);
    const int64_t* batch_row() const { return first_row.as<int64_t>(); }
    size_t bytes() const;  // from the first column to the end of the last
};

// Columns in pinned host memory.
struct StagedBatch : Columns {
    bool causal = false;  // every row attends to the keys [0, t]: no document begins inside a sequence
    void take(const HostBatch&, int64_t first_row = 0);  // hi: attention is causal
};

// Σ losses on the host, in f64 and in row order.
double sum_of_losses(Tensor on_host);

struct DropoutState {  // p = 0 outside training; the keys are values of the step (engine/step_memory.h)
    double p = 0;
};

struct NoiseState {    // on the embeddings (engine/noise.h); without amplitudes outside training
    Tensor amplitude;  // [N], on the device
};

// Columns on the device.
struct Batch : Columns {
    DropoutState dropout;
    NoiseState noise;
    bool causal = false;
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
