#pragma once
// Uniform noise, of an amplitude for each row, with the counter-based RNG of kernels/dropout.h: it is a function of (key, row, column)
// alone, so the same in a resumed run and in every split of the batch.
//
//   u[n,c] = word(n, c) / 2³¹ − 1              in [−1, 1);  word(n,c) = Philox{key}.words(row + n, c / 4)[c % 4]
//   y[n,c] = x[n,c] + amplitude[n] · u[n,c]
//
// where row = *batch_row + first_row. The gradient of x is that of y. In place when y aliases x. For the embeddings of fine-tuning
// (NEFTune: Jain et al. 2023). Compute bound on the random numbers, as dropout.
#include "kernels/tensor.h"

namespace gradus {

struct AddNoise {
    Out y;                // [N,C]  may alias x
    In x;                 // [N,C]
    In amplitude;         // [N]    accumulator dtype
    const uint64_t* key;  // on the device: one per step
    int64_t first_row;    // index of x's first row in the micro-batch
    // On the device: index of the micro-batch's first row in the global batch; null: 0.
    const int64_t* batch_row = nullptr;
};

inline Cost cost(const AddNoise& a) { return {2.0 * double(a.x.bytes()), 13.0 * double(a.x.size())}; }

}  // namespace gradus
