// Bugs with the collectives of a warp.
#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

constexpr unsigned all = 0xffffffffu;

__global__ void absent_lane(float* y, bool fixed) {
    if (threadIdx.x >= 16) return;
    y[threadIdx.x] = __shfl_down_sync(0xffffu, 1.0f, 8, fixed ? 16 : 32);  // BUG absent_lane
}

__global__ void exited_lane(float* y, bool fixed) {
    if (threadIdx.x >= 16 && !fixed) return;
    y[threadIdx.x] = __shfl_xor_sync(all, 1.0f, 1);  // BUG exited_lane
}

__global__ void lanes_that_do_not_exist(float* y, bool fixed) {
    const unsigned mask = fixed ? 0xffu : all;  // the block has 40 threads, its last warp eight
    if (threadIdx.x >= 32) y[threadIdx.x] = float(__ballot_sync(mask, 1));  // BUG lanes_that_do_not_exist
}

__global__ void not_in_its_mask(float* y, bool fixed) {
    y[threadIdx.x] = float(__ballot_sync(fixed ? all : 0xffffu, 1));  // BUG not_in_its_mask
}

__global__ void two_collectives(float* y, bool fixed) {
    if (fixed || threadIdx.x < 31) y[threadIdx.x] = __shfl_xor_sync(all, 1.0f, 1);  // BUG two_collectives
    else y[threadIdx.x] = float(__any_sync(all, 1));
}

__global__ void two_masks(float* y, bool fixed) {
    const unsigned mine = fixed || threadIdx.x < 16 ? all : 0xffffff00u;
    y[threadIdx.x] = float(__reduce_add_sync(mine, 1));  // BUG two_masks
}

__global__ void failed_check(float* y, bool fixed) {
    device_check(fixed || threadIdx.x != 5);  // BUG failed_check
    y[threadIdx.x] = 1;
}

}  // namespace

Bugs bugs_of_collectives() {
    const auto run = [](void (*kernel)(float*, bool), unsigned threads) {
        return [=](bool fixed) {
            DeviceArray<float> y(threads);
            launch(kernel, 1, threads, 0, {}, y, fixed);
            synchronise({});
        };
    };
    return {{"absent_lane", run(absent_lane, 32)},
            {"exited_lane", run(exited_lane, 32)},
            {"lanes_that_do_not_exist", run(lanes_that_do_not_exist, 40)},
            {"not_in_its_mask", run(not_in_its_mask, 32)},
            {"two_collectives", run(two_collectives, 32)},
            {"two_masks", run(two_masks, 32)},
            {"failed_check", run(failed_check, 32)}};
}

}  // namespace gradus::simt
