#pragma once
// Shared by the reference's formulas: dispatch on the dtype, and checked indices.
#include <string>

#include "kernels/ops.h"
#include "kernels/scalar.h"

namespace gradus::reference {

// Calls run(scalar) with a value of the C++ type of t.
template <class Run>
void with_scalar(DType t, Run&& run) {
    switch (t) {
        case DType::f32: return run(float{});
        case DType::f64: return run(double{});
        case DType::c128: return run(c128{});
        default:
            throw Error(std::string("the reference backend does not compute in ") + name_of(t),
                        "it supports f32, f64 and c128", "set precision = \"f32\", or device = \"cpu\" for bf16");
    }
}

// Returns i. CHECKs that it is in [0, n).
inline int64_t index(const char* what, int64_t i, int64_t n) {
    CHECK(i >= 0 && i < n, std::string(what) + " " + std::to_string(i) + " is not in [0, " + std::to_string(n) + ")");
    return i;
}

}  // namespace gradus::reference
