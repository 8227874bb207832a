// ldmatrix and mma against a plain matmul.
#include <catch2/catch.hpp>

#include "kernels/cuda/primitives/matrix.h"
#include "kernels/cuda/primitives/warp.h"
#include "kernels/scalar.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

float a_of(int row, int k) { return float(row * 3 % 7 - k % 5) * 0.5f; }
float b_of(int k, int column) { return float(k % 6 - column * 2 % 9) * 0.25f; }

// A is [16][16] in shared memory. B is [8][16] (column-major), or [16][8] (row-major), which ldmatrix transposes.
__global__ void product(float* y, bool b_in_rows) {
    SHARED(bf16, a, [16][16]);
    SHARED(bf16, b, [128]);
    const int lane = lane_of_warp();
    for (int i = lane; i < 256; i += 32) a[i / 16][i % 16] = bf16(a_of(i / 16, i % 16));
    for (int i = lane; i < 128; i += 32) b[i] = bf16(b_in_rows ? b_of(i / 8, i % 8) : b_of(i % 16, i / 16));
    __syncwarp();

    unsigned a_fragment[4], b_fragment[2];
    ldmatrix(a_fragment, &a[lane % 16][lane / 16 * 8]);
    if (b_in_rows) ldmatrix_transposed(b_fragment, &b[lane % 16 * 8]);
    else ldmatrix(b_fragment, &b[lane % 8 * 16 + lane / 8 % 2 * 8]);
    float d[4] = {1, 1, 1, 1};
    mma_bf16(d, a_fragment, b_fragment);
    for (int i = 0; i < 4; ++i) y[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = d[i];
}

}  // namespace

TEST_CASE("mma adds the product of fragments that ldmatrix loaded, transposed or not") {
    in_every_order([] {
        for (const bool b_in_rows : {false, true}) {
            const auto y = result_of<float>(product, 1, 32, 128, b_in_rows);
            for (int i = 0; i < 16; ++i)
                for (int j = 0; j < 8; ++j) {
                    float sum = 1;
                    for (int k = 0; k < 16; ++k) sum += a_of(i, k) * b_of(k, j);
                    REQUIRE(y[size_t(i * 8 + j)] == sum);  // all of it is exact in f32
                }
        }
    });
}

}  // namespace gradus::simt
