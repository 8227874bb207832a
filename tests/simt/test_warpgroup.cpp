// wgmma in each layout of its tiles against a plain matmul.
#include <catch2/catch.hpp>

#include "tests/conformance/tiles.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

float a_of(int row, int k) { return float(row * 3 % 7 - k % 5) * 0.5f; }
float b_of(int column, int k) { return float(k * 5 % 11 - column * 2 % 9) * 0.25f; }

template <bool a_in_registers, Major a_major, Major b_major, Swizzle swizzle, int columns>
__global__ void product(float* y) {
    SHARED(TileStorage<64>, a, );
    SHARED(TileStorage<columns>, b, );
    tile_matmul<a_in_registers, a_major, b_major, swizzle, columns>(a, b, a_of, b_of, y);
}

template <bool a_in_registers, Major a_major, Major b_major, Swizzle swizzle, int columns = 64>
void is_the_product() {
    const auto y = result_of<float>(product<a_in_registers, a_major, b_major, swizzle, columns>, 1, 128, 64 * columns);
    for (int i = 0; i < 64; ++i)
        for (int j = 0; j < columns; ++j) {
            float sum = 0;
            for (int k = 0; k < tile_depth; ++k) sum += a_of(i, k) * b_of(j, k);
            REQUIRE(y[size_t(i * columns + j)] == sum);  // all of it is exact in f32
        }
}

template <Swizzle swizzle>
void every_major() {
    is_the_product<false, Major::k, Major::k, swizzle>();
    is_the_product<false, Major::k, Major::mn, swizzle>();
    is_the_product<false, Major::mn, Major::k, swizzle>();
    is_the_product<true, Major::k, Major::mn, swizzle>();
}

// Two warpgroups with two wgmmas each in flight; the first is read while the second runs.
__global__ void two_at_a_time(float* y) {
    SHARED(TileStorage<64>, tile, );
    const Tile<Major::k, Swizzle::bytes_128, 64> x{tile};
    const int t = int(threadIdx.x), group = t / 128;
    for (int i = t; i < 64 * tile_depth; i += 256)
        x(i / tile_depth, i % tile_depth) = bf16(a_of(i / tile_depth, i % tile_depth));
    fence_async();
    __syncthreads();
    if (group == 0) registers_lower<40>();
    else registers_raise<232>();
    float first[32], second[32];
    for (float& d : second) d = float(group);
    wgmma_fence(first);
    wgmma(first, x.slice(0), x.slice(16 + 16 * group), false);
    wgmma_commit();
    wgmma(second, x.slice(0), x.slice(16 + 16 * group));
    wgmma_commit();
    wgmma_wait<1>(first);
    for (float& d : first) d *= 2;
    wgmma_fence(first);
    wgmma(first, x.slice(0), x.slice(16 + 16 * group));
    wgmma_commit();
    wgmma_wait<0>(first);
    for (int i = 0; i < 32; ++i) {
        y[(group * 2 + 0) * 4096 + row_of_sum(i) * 64 + column_of_sum(i)] = first[i];
        y[(group * 2 + 1) * 4096 + row_of_sum(i) * 64 + column_of_sum(i)] = second[i];
    }
}

}  // namespace

TEST_CASE("wgmma multiplies tiles of every swizzle and both majors, and A from registers") {
    in_every_order([] {
        every_major<Swizzle::none>();
        every_major<Swizzle::bytes_32>();
        every_major<Swizzle::bytes_64>();
        every_major<Swizzle::bytes_128>();
    });
}

TEST_CASE("wgmma is 64, 128 or 256 columns wide") {
    is_the_product<false, Major::k, Major::k, Swizzle::bytes_128, 128>();
    is_the_product<false, Major::k, Major::mn, Swizzle::bytes_128, 256>();
    is_the_product<true, Major::k, Major::k, Swizzle::bytes_32, 256>();
}

TEST_CASE("wgmmas overlap: one group completes while the next is in flight, and warpgroups are independent") {
    in_every_order([] {
        const auto y = result_of<float>(two_at_a_time, 1, 256, 4 * 4096);
        for (int group = 0; group < 2; ++group)
            for (int i = 0; i < 64; ++i)
                for (int j = 0; j < 64; ++j) {
                    float sum = 0;
                    for (int k = 0; k < 16; ++k) sum += a_of(i, k) * a_of(j, 16 + 16 * group + k);
                    REQUIRE(y[size_t((group * 2 + 0) * 4096 + i * 64 + j)] == 3 * sum);
                    REQUIRE(y[size_t((group * 2 + 1) * 4096 + i * 64 + j)] == float(group) + sum);
                }
    });
}

}  // namespace gradus::simt
