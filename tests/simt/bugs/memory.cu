// Bugs with addresses and memory.
#include <cmath>

#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

__global__ void outside_global(float* y, bool fixed) {
    if (fixed && threadIdx.x >= 60) return;
    y[threadIdx.x] = 1;  // BUG outside_global
}

__global__ void outside_shared(float* y, bool fixed) {
    SHARED(float, tile, [63]);
    if (fixed && threadIdx.x >= 63) return;
    tile[threadIdx.x] = 1;  // BUG outside_shared
    if (threadIdx.x == 0) y[0] = tile[0];
}

__global__ void outside_dynamic_shared(float* y, bool fixed) {
    DYNAMIC_SHARED(float, tile);
    if (fixed && threadIdx.x >= 50) return;
    tile[threadIdx.x] = 1;  // BUG outside_dynamic_shared
    if (threadIdx.x == 0) y[0] = tile[0];
}

__global__ void misaligned_pack(float* y, bool fixed) {
    store_pack(y + (fixed ? 4 : 2), Pack<float>{});  // BUG misaligned_pack
}

// Found by the value alone: uninitialised memory is NaN.
__global__ void not_written(float* y, bool fixed) {
    SHARED(float, tile, [64]);
    if (fixed || threadIdx.x < 63) tile[threadIdx.x] = 1;
    __syncthreads();
    if (threadIdx.x != 0) return;
    float sum = 0;
    for (const float value : tile) sum += value;
    device_check(!isnan(sum));  // BUG not_written
    y[0] = sum;
}

__global__ void set(float* y) { y[threadIdx.x] = 1; }

}  // namespace

Bugs bugs_of_memory() {
    const auto run = [](void (*kernel)(float*, bool), size_t count) {
        return [=](bool fixed) {
            DeviceArray<float> y(count);
            launch(kernel, 1, 64, 50 * sizeof(float), {}, y, fixed);
            synchronise({});
        };
    };
    return {{"outside_global", run(outside_global, 60)},
            {"outside_shared", run(outside_shared, 64)},
            {"outside_dynamic_shared", run(outside_dynamic_shared, 64)},
            {"misaligned_pack",
             [](bool fixed) {
                 DeviceArray<float> y(8);
                 launch(misaligned_pack, 1, 1, 0, {}, y, fixed);
                 synchronise({});
             }},
            {"not_written", run(not_written, 64)},
            {"too_many_threads",
             [](bool fixed) {
                 DeviceArray<float> y(1025);
                 launch(set, 1, fixed ? 1024 : 1025, 0, {}, y);  // BUG too_many_threads
                 synchronise({});
             }},
            {"too_large_a_grid",
             [](bool fixed) {
                 DeviceArray<float> y(1);
                 launch(set, dim3(1, fixed ? 1 : 65536), 1, 0, {}, y);  // BUG too_large_a_grid
                 synchronise({});
             }},
            {"too_much_shared", [](bool fixed) {
                 DeviceArray<float> y(1);
                 launch(set, 1, 1, (fixed ? 227 : 228) << 10, {}, y);  // BUG too_much_shared
                 synchronise({});
             }}};
}

}  // namespace gradus::simt
