#include "kernels/cuda/host/library.h"

#include <utility>

#include "kernels/check.h"
#include "kernels/choices.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/host/cudnn/ops.h"

namespace gradus {

namespace cuda {

namespace {

template <class Args>
using Library = bool (*)(const Args&, Stream);  // false: unsupported

template <class Args, Library<Args> library>
void only(const Args& a, Stream s) {
    check(a);
    if (!library(a, s))
        throw Error("cuDNN does not support these arguments",
                    cuda_has_cudnn() ? "kernels/cuda/host/library.h says what it supports"
                                     : "this build was configured without WITH_CUDNN, or cuDNN was not found",
                    "cmake --preset cuda -DWITH_CUDNN=ON && cmake --build --preset cuda");
}

template <class Args, Library<Args> library, Op<Args> Ops::*ours>
void chosen(const Args& a, Stream s) {
    if (kernel_choices().attention == AttentionKernel::library) {
        check(a);
        if (library(a, s)) return;
    }
    (table().*ours)(a, s);
}

template <class Args, Op<Args> Ops::*op>
void by_cublaslt(const Args& a, Stream s) {
    const MatmulKernel before = std::exchange(kernel_choices().matmul, MatmulKernel::library);
    (table().*op)(a, s);
    kernel_choices().matmul = before;
}

}  // namespace

const Ops& with_libraries(const Ops& ours) {
    static const Ops ops = [&] {
        Ops both = ours;
        both.attention_forward = chosen<AttentionForward, cudnn_attention_forward, &Ops::attention_forward>;
        both.attention_backward = chosen<AttentionBackward, cudnn_attention_backward, &Ops::attention_backward>;
        return both;
    }();
    return ops;
}

}  // namespace cuda

const Ops& cuda_libraries() {
    static const Ops ops = [] {
        using namespace cuda;
        Ops of_libraries = {};
        if (cuda_has_cudnn()) {
            of_libraries.attention_forward = only<AttentionForward, cudnn_attention_forward>;
            of_libraries.attention_backward = only<AttentionBackward, cudnn_attention_backward>;
            of_libraries.layernorm_forward = only<LayerNormForward, cudnn_layernorm_forward>;
            of_libraries.layernorm_backward = only<LayerNormBackward, cudnn_layernorm_backward>;
            of_libraries.rmsnorm_forward = only<RmsNormForward, cudnn_rmsnorm_forward>;
            of_libraries.rmsnorm_backward = only<RmsNormBackward, cudnn_rmsnorm_backward>;
        }
        of_libraries.linear_forward = by_cublaslt<LinearForward, &Ops::linear_forward>;
        of_libraries.linear_backward_input = by_cublaslt<LinearBackwardInput, &Ops::linear_backward_input>;
        of_libraries.linear_backward_weight = by_cublaslt<LinearBackwardWeight, &Ops::linear_backward_weight>;
        return of_libraries;
    }();
    return ops;
}

}  // namespace gradus
