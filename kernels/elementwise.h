#pragma once
// The sum of two tensors, and a change of dtype.
//
//   add    y = a + b             backward needs no op: the gradient of y is the gradient of a and of b
//   cast   y = round(x)          between f32, bf16 and f64, to nearest, ties to even
//
// Memory bound.
#include "kernels/tensor.h"

namespace gradus {

struct Add {
    Out y;  // any shape; may alias a or b
    In a, b;
};

struct Cast {
    Out y;  // any shape
    In x;
};

inline Cost cost(const Add& a) { return {3.0 * double(a.y.bytes()), double(a.y.size())}; }
inline Cost cost(const Cast& a) { return {double(a.x.bytes() + a.y.bytes()), 0}; }

}  // namespace gradus
