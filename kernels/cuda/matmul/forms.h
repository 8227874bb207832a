#pragma once
// The forms of a matmul, for kernels that are compiled for each: how the operands lie, and what becomes of c at its end.
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

template <Major a, Major b, MatmulEnd end_>
struct MatmulForm {
    static constexpr Major a_major = a, b_major = b;
    static constexpr MatmulEnd end = end_;
};

// Calls run(MatmulForm<…>{}). Only forward and the gradient of the input have an activation.
template <class Run>
void by_form(const Matmul& p, const Run& run) {
    constexpr Major k = Major::k, mn = Major::mn;
    switch (p.end) {
        case MatmulEnd::activate:
            CHECK(!p.transpose_a && p.transpose_b, "a matmul activates at its end in forward");
            return run(MatmulForm<k, k, MatmulEnd::activate>{});
        case MatmulEnd::derive:
            CHECK(!p.transpose_a && !p.transpose_b, "a matmul ends with a derivative in the gradient of its input");
            return run(MatmulForm<k, mn, MatmulEnd::derive>{});
        case MatmulEnd::plain: break;
    }
    if (p.transpose_a && p.transpose_b) run(MatmulForm<mn, k, MatmulEnd::plain>{});
    else if (p.transpose_a) run(MatmulForm<mn, mn, MatmulEnd::plain>{});
    else if (p.transpose_b) run(MatmulForm<k, k, MatmulEnd::plain>{});
    else run(MatmulForm<k, mn, MatmulEnd::plain>{});
}

}  // namespace gradus::DEVICE
