// Tensor maps: boxes inside, across and outside the edges of a tensor, in every swizzle, in both directions.
#include "kernels/cuda/primitives/tensor_map.h"

#include <catch2/catch.hpp>

#include "kernels/scalar.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

constexpr int threads = 128;

// The floats of a box, in its own order: the swizzle is undone.
template <int rank>
__global__ void loaded(float* y, const __grid_constant__ TensorMap map, Swizzle swizzle, int bytes, int c0, int c1,
                       int c2) {
    DYNAMIC_SHARED(unsigned char, tile);
    SHARED(MBarrier, full, );
    if (threadIdx.x == 0) {
        mbarrier_init(&full, 1);
        fence_mbarrier_init();
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        tensor_prefetch(map);
        mbarrier_arrive_and_expect(&full, unsigned(bytes));
        if constexpr (rank == 1) tensor_load(tile, map, {c0}, &full);
        else if constexpr (rank == 2) tensor_load(tile, map, {c0, c1}, &full);
        else if constexpr (rank == 3) tensor_load(tile, map, {c0, c1, c2}, &full);
        else if constexpr (rank == 4) tensor_load(tile, map, {c0, c1, c2, 0}, &full);
        else tensor_load(tile, map, {c0, c1, c2, 0, 0}, &full);
    }
    mbarrier_wait(&full, 0);
    for (int i = int(threadIdx.x); i < bytes / 4; i += threads)
        y[i] = *reinterpret_cast<const float*>(tile + swizzled(unsigned(i) * 4, swizzle));
}

// Stores a box of the numbers 1, 2, …, or adds it.
__global__ void stored(const __grid_constant__ TensorMap map, Swizzle swizzle, int bytes, int c0, int c1, bool adds) {
    DYNAMIC_SHARED(unsigned char, tile);
    for (int i = int(threadIdx.x); i < bytes / 4; i += threads)
        *reinterpret_cast<float*>(tile + swizzled(unsigned(i) * 4, swizzle)) = float(i + 1);
    fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    if (adds) tensor_add(map, {c0, c1}, tile);
    else tensor_store(map, {c0, c1}, tile);
    bulk_commit();
    bulk_wait<0>();
}

__global__ void counted(float* x, int count) {
    for (int i = int(threadIdx.x); i < count; i += threads) x[i] = float(i + 1);
}

// A tensor of floats 1, 2, …, of up to three dimensions, and 1 in the others; rows of 24 elements with room for 28.
struct Numbers {
    static constexpr int extent[3] = {24, 10, 3}, stride[3] = {1, 28, 280}, count = 840;
    float* data = static_cast<float*>(allocate(count * sizeof(float)));
    Numbers() { launch(counted, 1, threads, 0, {}, data, count); }
    ~Numbers() { release(data, count * sizeof(float)); }
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;

    TensorBox box(int rank, Swizzle swizzle, int b0, int b1, int b2) const {
        TensorBox t = {data, DType::f32, rank, {24, 10, 3, 1, 1}, {1, 28, 280, 840, 840}, {b0, b1, b2, 1, 1}, swizzle};
        return t;
    }
    static bool inside(int c0, int c1, int c2) {
        return c0 >= 0 && c0 < extent[0] && c1 >= 0 && c1 < extent[1] && c2 >= 0 && c2 < extent[2];
    }
    static float at(int c0, int c1, int c2) {
        return inside(c0, c1, c2) ? float(c0 + c1 * stride[1] + c2 * stride[2] + 1) : 0;
    }
};

template <int rank>
void is_loaded(Swizzle swizzle, int b0, int b1, int b2, int c0, int c1, int c2) {
    const Numbers numbers;
    if (rank < 2) b1 = 1, c1 = 0;
    if (rank < 3) b2 = 1, c2 = 0;
    const TensorBox box = numbers.box(rank, swizzle, b0, b1, b2);
    const size_t bytes = size_t(box.box_bytes());
    std::vector<float> y(bytes / 4);
    auto* const out = static_cast<float*>(allocate(bytes));
    launch(loaded<rank>, 1, threads, bytes, {}, out, tensor_map(box), swizzle, int(bytes), c0, c1, c2);
    copy_to_host(y.data(), out, bytes, {});
    synchronise({});
    release(out, bytes);
    for (int k = 0; k < b2; ++k)
        for (int j = 0; j < b1; ++j)
            for (int i = 0; i < b0; ++i)
                REQUIRE(y[size_t((k * b1 + j) * b0 + i)] == Numbers::at(c0 + i, c1 + j, c2 + k));
}

std::vector<float> after_store(Swizzle swizzle, int b0, int b1, int c0, int c1, bool adds) {
    const Numbers numbers;
    const TensorBox box = numbers.box(2, swizzle, b0, b1, 1);
    std::vector<float> y(Numbers::count);
    launch(stored, 1, threads, size_t(box.box_bytes()), {}, tensor_map(box), swizzle, int(box.box_bytes()), c0, c1,
           adds);
    copy_to_host(y.data(), numbers.data, y.size() * sizeof(float), {});
    synchronise({});
    return y;
}

// Blocks add their boxes to the same tensor, and 1 to each of an array.
__global__ void all_add(const __grid_constant__ TensorMap map, float* sums) {
    DYNAMIC_SHARED(float, tile);
    SHARED(float, ones, [64]);
    if (threadIdx.x < 64) {
        tile[threadIdx.x] = float(threadIdx.x);
        ones[threadIdx.x] = 1;
    }
    fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    tensor_add(map, {0, 0}, tile);
    bulk_add(sums, ones, sizeof ones);
    bulk_commit();
    bulk_wait_read<0>();
}

}  // namespace

TEST_CASE("a box of a tensor map is loaded whole, with zeros outside the tensor, in every swizzle and rank") {
    in_every_order([] {
        for (int c0 : {0, 4, 20, -3, 24, 100})
            for (int c1 : {0, 6, -2}) {
                is_loaded<1>(Swizzle::none, 12, 1, 1, c0, c1, 0);
                is_loaded<2>(Swizzle::none, 12, 5, 1, c0, c1, 0);
                is_loaded<3>(Swizzle::bytes_32, 8, 9, 2, c0, c1, 2);
                is_loaded<4>(Swizzle::bytes_64, 16, 9, 2, c0, c1, -1);
                is_loaded<5>(Swizzle::bytes_128, 32, 12, 1, c0, c1, 1);
            }
    });
}

TEST_CASE("a store or addition of a box leaves everything outside the tensor as it was") {
    in_every_order([] {
        for (bool adds : {false, true})
            for (int c0 : {0, 12, -5})
                for (int c1 : {0, 7, -1})
                    for (Swizzle swizzle : {Swizzle::none, Swizzle::bytes_64}) {
                        const std::vector<float> y = after_store(swizzle, 16, 4, c0, c1, adds);
                        for (int i = 0; i < Numbers::count; ++i) {
                            const int x0 = i % 28, x1 = i / 28 % 10, b0 = x0 - c0, b1 = x1 - c1;
                            const bool moved = i < 280 && x0 < 24 && b0 >= 0 && b0 < 16 && b1 >= 0 && b1 < 4;
                            const float before = float(i + 1), sent = float(b1 * 16 + b0 + 1);
                            REQUIRE(y[size_t(i)] == (!moved ? before : adds ? before + sent : sent));
                        }
                    }
    });
}

TEST_CASE("additions of several blocks to one tensor are atomic") {
    in_every_order([] {
        const size_t bytes = 64 * sizeof(float);
        auto *const y = static_cast<float*>(allocate(bytes)), *const sums = static_cast<float*>(allocate(bytes));
        zero(y, bytes, {});
        zero(sums, bytes, {});
        const TensorBox box = {y, DType::f32, 2, {8, 8}, {1, 8}, {8, 8}, Swizzle::none};
        launch(all_add, 5, threads, bytes, {}, tensor_map(box), sums);
        std::vector<float> got(64), ones(64);
        copy_to_host(got.data(), y, bytes, {});
        copy_to_host(ones.data(), sums, bytes, {});
        synchronise({});
        for (int i = 0; i < 64; ++i) {
            REQUIRE(got[size_t(i)] == float(5 * i));
            REQUIRE(ones[size_t(i)] == 5);
        }
        release(y, bytes);
        release(sums, bytes);
    });
}

}  // namespace gradus::simt
