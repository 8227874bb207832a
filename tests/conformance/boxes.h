#pragma once
// The probe of tensor maps.
#include <bit>

#include "kernels/cuda/primitives/tensor_map.h"
#include "tests/conformance/probes.h"

namespace gradus::DEVICE {

namespace {

// Boxes over the edges of a tensor of floats [4][10][64]: two loads, a store and an addition. Empty for GPUs before Hopper.
template <int compiled_for>
__device__ void boxes_on(const TensorMap& from, const TensorMap& to, uint32_t* results, MBarrier* barrier,
                         float* room) {
    if constexpr (compiled_for >= 90) {
        constexpr int count = 32 * 6 * 2, bytes = count * 4;
        if (threadIdx.x == 0) {
            mbarrier_init(barrier, 1);
            fence_mbarrier_init();
        }
        __syncthreads();
        for (int round = 0; round < 2; ++round) {
            if (threadIdx.x == 0) {
                mbarrier_arrive_and_expect(barrier, bytes);
                if (round == 0) tensor_load(room, from, {-8, 3, 0}, barrier);
                else tensor_load(room, from, {40, 7, 3}, barrier);
            }
            mbarrier_wait(barrier, unsigned(round));
            for (int i = int(threadIdx.x); i < count; i += probe_threads)
                results[round * count + i] = std::bit_cast<uint32_t>(room[i]);
            fence_async();
            __syncthreads();
        }
        for (int i = int(threadIdx.x); i < count; i += probe_threads) room[i] = float(i);
        fence_async();
        __syncthreads();
        if (threadIdx.x == 0) {
            tensor_store(to, {48, 6, -1}, room);
            bulk_commit();
            bulk_wait<0>();
            tensor_add(to, {44, 5, 0}, room);
            bulk_add(reinterpret_cast<float*>(results) + 4096 + 2560, room, 256);
            bulk_commit();
            bulk_wait<0>();
        }
    }
}
__global__ void boxes(const __grid_constant__ TensorMap from, const __grid_constant__ TensorMap to, uint32_t* results) {
    SHARED(MBarrier, barrier, );
    DYNAMIC_SHARED(float, room);
    boxes_on<architecture>(from, to, results, &barrier, room);
}

// The results after the first 4096 are a tensor of zeros.
template <Swizzle swizzle>
void run_boxes(const uint32_t* words, uint32_t* results, Stream s) {
    constexpr int width = swizzle == Swizzle::none ? 32 : int(swizzle_width(swizzle)) / 4;
    const auto box = [](void* data) {
        return TensorBox{data, DType::f32, 3, {64, 10, 4}, {1, 64, 640}, {width, 192 / width, 2}, swizzle};
    };
    launch(boxes, dim3(1), dim3(probe_threads), 4096, s, tensor_map(box(const_cast<uint32_t*>(words))),
           tensor_map(box(results + 4096)), results);
}

}  // namespace

}  // namespace gradus::DEVICE
