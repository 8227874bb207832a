#pragma once
// Dropout with a counter-based RNG: the mask is a function of (key, row, column) alone. So it is the same in forward and
// backward without being stored, in a resumed run, and in every split of the batch.
//
//   keep[n,c] = word(n, c) ≥ p·2³²             word(n,c) = Philox{key}.words(row + n, c / 4)[c % 4]
//   y[n,c]    = keep[n,c] ? x[n,c] / (1 − p) : 0
//
// where row = *batch_row + first_row. Backward is the same call on the gradient. In place when y aliases x. Source: Srivastava et al. 2014.
//
// Fused with the residual add: y = a + dropout(x), where dropout(x) is rounded to its dtype before it is added: the same bits as
// dropout followed by add. The gradient of a is that of y, and the gradient of x is dropout of it.
// Compute bound on the random numbers: ten rounds of Philox for four elements.
#include "kernels/tensor.h"

namespace gradus {

struct Dropout {
    Out y;                // [N,C]  may alias x
    In x;                 // [N,C]
    double p;             // 0 ≤ p < 1
    const uint64_t* key;  // on the device: one per step, layer and site
    int64_t first_row;    // index of x's first row in the micro-batch
    // On the device: index of the micro-batch's first row in the global batch; null: 0.
    const int64_t* batch_row = nullptr;
};

struct AddDropout {
    Out y;     // [N,C]  may alias a or x
    In a, x;   // [N,C]
    double p;  // as above
    const uint64_t* key;
    int64_t first_row;
    const int64_t* batch_row = nullptr;
};

inline Cost cost(const Dropout& a) { return {2.0 * double(a.x.bytes()), 12.0 * double(a.x.size())}; }
inline Cost cost(const AddDropout& a) { return {3.0 * double(a.x.bytes()), 13.0 * double(a.x.size())}; }

}  // namespace gradus
