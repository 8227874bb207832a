// Bugs with tensor maps.
#include "kernels/cuda/primitives/tensor_map.h"

#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

constexpr int extent = 12;  // rows and columns of the tensor
constexpr int box = 8;      // rows and columns of a box
constexpr unsigned tile_bytes = box * box * 4;

struct alignas(128) Tile {
    float elements[box * box + 32];
};

__device__ void start(MBarrier& full) {
    if (threadIdx.x == 0) {
        mbarrier_init(&full, 1);
        fence_mbarrier_init();
    }
    __syncthreads();
}

// The box reaches over the edge: zeros count as bytes too.
__global__ void bytes_of_the_inside(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    start(full);
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, fixed ? tile_bytes : tile_bytes / 2);
        tensor_load(&tile, map, {8, 0}, &full);
    }
    mbarrier_wait(&full, 0);  // BUG bytes_of_the_inside
    y[threadIdx.x] = tile.elements[threadIdx.x];
}

__global__ void tile_off_its_alignment(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    start(full);
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, tile_bytes);
        tensor_load(tile.elements + (fixed ? 0 : 16), map, {0, 0}, &full);  // BUG tile_off_its_alignment
    }
    mbarrier_wait(&full, 0);
    y[threadIdx.x] = tile.elements[threadIdx.x];
}

__global__ void coordinates_of_another_rank(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    start(full);
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, tile_bytes);
        if (fixed) tensor_load(&tile, map, {0, 0}, &full);
        else tensor_load(&tile, map, {0, 0, 0}, &full);  // BUG coordinates_of_another_rank
    }
    mbarrier_wait(&full, 0);
    y[threadIdx.x] = tile.elements[threadIdx.x];
}

__global__ void map_in_local_memory(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    start(full);
    const TensorMap copy = map;
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, tile_bytes);
        tensor_load(&tile, fixed ? map : copy, {0, 0}, &full);  // BUG map_in_local_memory
    }
    mbarrier_wait(&full, 0);
    y[threadIdx.x] = tile.elements[threadIdx.x];
}

__global__ void box_outside_shared(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    start(full);
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, tile_bytes);
        tensor_load(tile.elements + (fixed ? 0 : 64), map, {0, 0}, &full);  // BUG box_outside_shared
    }
    mbarrier_wait(&full, 0);
    y[threadIdx.x] = tile.elements[threadIdx.x];
}

__global__ void no_fence_before_the_box(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    tile.elements[threadIdx.x] = y[threadIdx.x] + 1;
    if (fixed) fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    tensor_store(map, {0, 0}, &tile);  // BUG no_fence_before_the_box
    bulk_commit();
    bulk_wait_read<0>();
}

__global__ void written_before_the_box_is_read(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    tile.elements[threadIdx.x] = y[threadIdx.x] + 1;
    fence_async();
    __syncthreads();
    if (threadIdx.x == 0) {
        tensor_add(map, {0, 0}, &tile);  // BUG written_before_the_box_is_read
        bulk_commit();
        if (fixed) bulk_wait_read<0>();
    }
    __syncthreads();
    tile.elements[threadIdx.x] = 7;
    __syncthreads();
    if (threadIdx.x == 0) bulk_wait_read<0>();
}

__global__ void box_not_loaded(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    SHARED(MBarrier, full, );
    start(full);
    if (threadIdx.x == 0) {
        mbarrier_arrive_and_expect(&full, tile_bytes);
        tensor_load(&tile, map, {0, 0}, &full);
    }
    __syncthreads();
    if (fixed) mbarrier_wait(&full, 0);
    y[threadIdx.x] = tile.elements[threadIdx.x];  // BUG box_not_loaded
    mbarrier_wait(&full, 0);
}

// Blocks add to the tensor, but one of them also writes to it.
__global__ void written_while_others_add(const __grid_constant__ TensorMap map, float* y, bool fixed) {
    SHARED(Tile, tile, );
    tile.elements[threadIdx.x] = 1;
    fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    if (blockIdx.x == 0) {
        tensor_add(map, {0, 0}, &tile);
        bulk_commit();
        bulk_wait<0>();
    } else if (!fixed) {
        y[0] = 2;  // BUG written_while_others_add
    }
}

}  // namespace

Bugs bugs_of_tensor_maps() {
    const auto run = [](void (*kernel)(TensorMap, float*, bool), int blocks = 1) {
        return [=](bool fixed) {
            DeviceArray<float> x(extent * extent);
            const TensorMap map =
                tensor_map({x, DType::f32, 2, {extent, extent}, {1, extent}, {box, box}, Swizzle::none});
            DeviceArray<float> others(64);
            launch(kernel, blocks, 64, 0, {}, map, blocks > 1 ? x : others, fixed);
            synchronise({});
        };
    };
    return {{"bytes_of_the_inside", run(bytes_of_the_inside)},
            {"tile_off_its_alignment", run(tile_off_its_alignment)},
            {"coordinates_of_another_rank", run(coordinates_of_another_rank)},
            {"map_in_local_memory", run(map_in_local_memory)},
            {"box_outside_shared", run(box_outside_shared)},
            {"no_fence_before_the_box", run(no_fence_before_the_box)},
            {"written_before_the_box_is_read", run(written_before_the_box_is_read)},
            {"box_not_loaded", run(box_not_loaded)},
            {"written_while_others_add", run(written_while_others_add, 2)}};
}

}  // namespace gradus::simt
