#pragma once
// What the reference's formulas share: the choice of a scalar by dtype, and the promise of an index.
#include <string>

#include "kernels/ops.h"
#include "kernels/scalar.h"

namespace gradus::reference {

// Calls run with a value of the scalar that t stands for.
template <class Run>
void with_scalar(DType t, Run&& run) {
    switch (t) {
        case DType::f32: return run(float{});
        case DType::f64: return run(double{});
        case DType::c128: return run(c128{});
        default:
            throw Error(std::string("the reference table does not compute in ") + name_of(t),
                        "it holds the formulas in f32, f64 and c128 alone",
                        "set precision = \"f32\", or device = \"cpu\" for bf16");
    }
}

// i, or a broken promise where it is no index of an axis of length n.
inline int64_t index(const char* what, int64_t i, int64_t n) {
    CHECK(i >= 0 && i < n, std::string(what) + " " + std::to_string(i) + " is not in [0, " + std::to_string(n) + ")");
    return i;
}

}  // namespace gradus::reference
