#pragma once
// Elementwise ops on flat tensors. A thread has several parts (parts.h), a block's width apart, and reads all of them before it writes
// the first, so that enough bytes are in flight to keep the memory busy. The elements after the last whole part are accessed singly.
#include "kernels/cuda/parts.h"

namespace gradus::DEVICE {

constexpr int parts_of_thread = 4;

// Function has read<width>(i), which returns what it needs of the elements i, …, i + width − 1, and write<width>(i, that).
template <int width, class Function>
__global__ void flat_kernel(Function f, int64_t size) {
    const int64_t first = int64_t(blockIdx.x) * (threads_per_block * parts_of_thread) + threadIdx.x;
    decltype(f.template read<width>(0)) values[parts_of_thread];
#pragma unroll
    for (int k = 0; k < parts_of_thread; ++k) {
        const int64_t i = (first + k * threads_per_block) * width;
        if (i + width <= size) values[k] = f.template read<width>(i);
    }
#pragma unroll
    for (int k = 0; k < parts_of_thread; ++k) {
        const int64_t i = (first + k * threads_per_block) * width;
        if (i + width <= size) f.template write<width>(i, values[k]);
        else
            for (int64_t j = i; j < size; ++j) f.template write<1>(j, f.template read<1>(j));
    }
}

inline bool aligned(std::initializer_list<Tensor> tensors) {
    return std::all_of(tensors.begin(), tensors.end(),
                       [](const Tensor& t) { return reinterpret_cast<uintptr_t>(t.data) % 16 == 0; });
}

// Runs f for elements 0 to size − 1, in parts of `width` elements if vectors.
template <int width, class Function>
void launch_flat(const Function& f, int64_t size, bool vectors, Stream s) {
    if (size == 0) return;
    by_width<width>(vectors, [&](auto parts_width) {
        const int64_t of_block = int64_t(threads_per_block) * parts_of_thread * parts_width;
        launch(flat_kernel<parts_width, Function>, blocks_for(size, of_block), dim3(threads_per_block), 0, s, f, size);
    });
}

}  // namespace gradus::DEVICE
