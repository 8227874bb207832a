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
    void clear();  // as it was made: no targets
    int64_t valid_targets() const;
};

// Fills sequences [first_sample, first_sample + batch.B) of the run: a pure function of the number of the sample, so
// that accumulation, a resumed run and another number of ranks see the same sequence of samples.
using NextBatch = std::function<void(int64_t first_sample, HostBatch& batch)>;

// The same where a device's copies reach it at full speed, with what else the model is given of each row.
struct StagedBatch {
    Tensor tokens, targets, positions, lo, hi;  // as Batch's, on the host

    void declare(Arena& on_host, int B, int T);
    void take(const HostBatch&);
};

// Σ losses on the host, in double and in the order of the rows.
double sum_of_losses(Tensor on_host);

struct DropoutState {  // dropout of one step; p = 0 outside training
    double p = 0;
    uint64_t seed = 0;
    int64_t step = 0, first_row = 0;
};

struct Batch {
    Tensor tokens, targets, positions;  // [N]    i32
    Tensor lo, hi;                      // [B,T]  i32; hi: row t attends to nothing behind itself
    DropoutState dropout;

    void declare(Arena& arena, int B, int T);
    // Does not wait: `staged` stays as it is until the stream has been synchronised.
    void upload(const Ops& ops, const StagedBatch& staged, Stream stream);
};

}  // namespace gradus
