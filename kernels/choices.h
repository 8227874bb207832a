#pragma once
// Which of several kernels a GPU backend uses, where there is a choice: settings of the process, made before the first op.
// The results differ in their last bits.

namespace gradus {

enum class MatmulKernel { library, own };     // cuBLASLt, or kernels/cuda/matmul/
enum class AttentionKernel { own, library };  // kernels/cuda/attention/, or cuDNN

struct KernelChoices {
    MatmulKernel matmul = MatmulKernel::library;
    AttentionKernel attention = AttentionKernel::own;
    bool hopper =
        true;  // sm_90a's own instructions, on a GPU of compute capability 9.0 and with code for it in the build
    bool tf32 = false;  // f32 products of matmuls and attention on tensor cores, rounded to 10 bits of mantissa
};

inline KernelChoices& kernel_choices() {
    static KernelChoices of_this_process;
    return of_this_process;
}

}  // namespace gradus
