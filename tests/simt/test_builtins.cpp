// CUDA's built-ins behave as on a GPU.
#include <catch2/catch.hpp>
#include <numeric>

#include "kernels/cuda/primitives/atomics.h"
#include "kernels/cuda/primitives/barrier.h"
#include "kernels/cuda/primitives/warp.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

constexpr unsigned all = 0xffffffffu;

__global__ void where(int* y) {
    const int row = int(blockIdx.y * blockDim.y + threadIdx.y), width = int(gridDim.x * blockDim.x);
    y[row * width + int(blockIdx.x * blockDim.x + threadIdx.x)] += row * 1000 + int(blockIdx.x * 100 + threadIdx.x);
}

__global__ void shuffles(int* y) {
    const int lane = int(threadIdx.x);
    y[lane] = __shfl_sync(all, lane, 5, 8);
    y[32 + lane] = __shfl_up_sync(all, lane, 3, 16);
    y[64 + lane] = __shfl_down_sync(all, lane, 3, 16);
    y[96 + lane] = __shfl_xor_sync(all, lane, 9);
}

template <class Value>
__global__ void mirrored(Value* y, Value first) {
    y[threadIdx.x] = __shfl_sync(all, first + Value(threadIdx.x), 31 - int(threadIdx.x));
}

__global__ void votes(unsigned* y) {
    const int lane = int(threadIdx.x);
    y[0] = __ballot_sync(all, lane % 3 == 0);
    y[1] = unsigned(__any_sync(all, lane == 7)) | unsigned(__all_sync(all, lane >= 0)) << 1 |
           unsigned(__any_sync(all, lane > 40)) << 2 | unsigned(__all_sync(all, lane > 0)) << 3;
    y[2] = unsigned(__reduce_add_sync(all, lane - 16));
    y[3] = unsigned(__reduce_min_sync(all, lane - 16));
    y[4] = __reduce_min_sync(all, unsigned(lane - 16));
    y[5] = unsigned(__reduce_max_sync(all, lane - 16));
    y[6] = __reduce_or_sync(all, 1u << lane % 5);
    y[7] = __reduce_and_sync(all, ~(1u << lane % 5));
    y[8] = __reduce_xor_sync(all, unsigned(lane));
    if (lane == 6) y[9] = __match_any_sync(1u << 6, lane);
    const unsigned same = __match_any_sync(all, lane / 8);
    if (lane == 9) y[10] = same;
}

__global__ void votes_of_blocks(int* y) {
    const int count = __syncthreads_count(blockIdx.x % 2 == 0);
    if (threadIdx.x == 0) y[blockIdx.x] = count;
}

// Each half of a warp has its own collectives, a different number of times.
__global__ void halves(int* y) {
    const int lane = int(threadIdx.x);
    if (lane < 16) {
        for (int round = 0; round < 3; ++round) y[lane] += __shfl_xor_sync(0xffffu, lane, 1);
    } else {
        y[lane] += __shfl_xor_sync(0xffff0000u, lane, 1);
    }
}

__global__ void exited_threads_drop_out(int* y) {
    SHARED(int, count, );
    if (threadIdx.x == 0) count = 0;
    __syncthreads();
    if (threadIdx.x >= 40) return;
    atomicAdd(&count, 1);
    __syncthreads();
    y[threadIdx.x] = count;
}

__global__ void block_votes(int* y) {
    const int i = int(threadIdx.x);
    for (int round = 0; round < 3; ++round) {
        const int count = __syncthreads_count(i < 10 + round), some = __syncthreads_or(i == 99),
                  all_votes = __syncthreads_and(i < 100);
        y[i] += count * 4 + some * 2 + all_votes;
    }
}

// Warp 1 produces for warp 0 through one buffer, with two named barriers, full and empty.
__global__ void producer_and_consumer(int* y) {
    SHARED(int, box, [32]);
    const int lane = lane_of_warp();
    for (int round = 0; round < 4; ++round) {
        if (threadIdx.x >= 32) {
            if (round > 0) named_barrier_sync(2, 64);
            box[lane] = 100 * round + lane;
            named_barrier_arrive(1, 64);
        } else {
            named_barrier_sync(1, 64);
            y[32 * round + lane] = box[31 - lane];
            if (round < 3) named_barrier_arrive(2, 64);
        }
    }
}

__global__ void atomics(unsigned* y) {
    atomicAdd(&y[0], 2u);
    atomicMax(&y[1], threadIdx.x);
    atomicCAS(&y[2], 0u, 7u);
    atomicExch(&y[3], 5u);
    atomicAdd(reinterpret_cast<float*>(&y[4]), 0.5f);
    atomicOr(&y[5], 1u << threadIdx.x % 32);
    if (elect_one()) atomicAdd(&y[6], 1u);
}

// Block b waits for block b - 1; all blocks are resident.
__global__ void chain(unsigned* y) {
    if (threadIdx.x != 0) return;
    const unsigned b = blockIdx.x;
    while (b > 0 && load_acquire<Scope::device>(&y[b - 1]) == 0) {}
    store_release<Scope::device>(&y[b], b == 0 ? 1u : y[b - 1] + 1);
}

__global__ void poisoned(unsigned* y) {
    SHARED(unsigned, tile, [8]);
    if (threadIdx.x < 8) y[threadIdx.x] = tile[threadIdx.x];
    tile[threadIdx.x % 8] = 1;
}

__global__ void dynamic(unsigned* y, unsigned floats) {
    DYNAMIC_SHARED(float, tile);
    tile[floats - 1] = 3;
    y[0] = unsigned(reinterpret_cast<uintptr_t>(tile) % 1024);
    y[1] = unsigned(tile[floats - 1]);
}

}  // namespace

TEST_CASE("every thread of a grid runs once with its own coordinates") {
    in_every_order([] {
        const auto y = result_of<int>(where, dim3(2, 3), dim3(5, 2), 60);
        for (int row = 0; row < 6; ++row)
            for (int column = 0; column < 10; ++column)
                REQUIRE(y[size_t(row * 10 + column)] == row * 1000 + column / 5 * 100 + column % 5);
    });
}

TEST_CASE("shuffles move values between the lanes of a segment") {
    in_every_order([] {
        const auto y = result_of<int>(shuffles, 1, 32, 128);
        for (int lane = 0; lane < 32; ++lane) {
            const auto l = size_t(lane);
            REQUIRE(y[l] == lane / 8 * 8 + 5);
            REQUIRE(y[32 + l] == (lane % 16 < 3 ? lane : lane - 3));
            REQUIRE(y[64 + l] == (lane % 16 > 12 ? lane : lane + 3));
            REQUIRE(y[96 + l] == (lane ^ 9));
        }
    });
}

TEMPLATE_TEST_CASE("shuffles move every arithmetic type", "", int, unsigned, float, double, long long, unsigned long) {
    const auto first = TestType(3);
    const auto y = result_of<TestType>(mirrored<TestType>, 1, 32, 32, first);
    for (size_t lane = 0; lane < 32; ++lane) REQUIRE(y[lane] == TestType(3 + 31 - lane));
}

TEST_CASE("votes and reductions see all lanes") {
    in_every_order([] {
        const auto y = result_of<unsigned>(votes, 1, 32, 11);
        REQUIRE(y[0] == 0x49249249u);
        REQUIRE(y[1] == 3u);
        REQUIRE(int(y[2]) == -16);
        REQUIRE(int(y[3]) == -16);
        REQUIRE(y[4] == 0u);
        REQUIRE(int(y[5]) == 15);
        REQUIRE(y[6] == 31u);
        REQUIRE(y[7] == ~31u);
        REQUIRE(y[8] == 0u);
        REQUIRE(y[9] == 1u << 6);
        REQUIRE(y[10] == 0xff00u);
    });
}

TEST_CASE("a collective of some lanes does not wait for the others") {
    in_every_order([] {
        const auto y = result_of<int>(halves, 1, 32, 32);
        for (int lane = 0; lane < 32; ++lane) REQUIRE(y[size_t(lane)] == (lane ^ 1) * (lane < 16 ? 3 : 1));
    });
}

TEST_CASE("__syncthreads does not wait for threads that have exited") {
    in_every_order([] {
        const auto y = result_of<int>(exited_threads_drop_out, 2, 70, 40);
        for (const int count : y) REQUIRE(count == 40);
    });
}

TEST_CASE("__syncthreads_count, _or and _and vote over the block") {
    in_every_order([] {
        const auto y = result_of<int>(block_votes, 1, 96, 96);
        for (const int sum : y) REQUIRE(sum == (10 + 11 + 12) * 4 + 3);
    });
}

TEST_CASE("the votes of one block do not carry over to the next") {
    in_every_order([] {
        const std::vector<int> counts = result_of<int>(votes_of_blocks, 6, 64, 6);
        REQUIRE(counts == std::vector<int>{64, 0, 64, 0, 64, 0});
    });
}

TEST_CASE("named barriers order a producer warp and a consumer warp") {
    in_every_order([] {
        const auto y = result_of<int>(producer_and_consumer, 1, 64, 128);
        for (int i = 0; i < 128; ++i) REQUIRE(y[size_t(i)] == i / 32 * 100 + 31 - i % 32);
    });
}

TEST_CASE("atomics of many blocks lose no update") {
    in_every_order([] {
        const auto y = result_of<unsigned>(atomics, 4, 64, 7);
        REQUIRE(y[0] == 512u);
        REQUIRE(y[1] == 63u);
        REQUIRE(y[2] == 7u);
        REQUIRE(y[3] == 5u);
        REQUIRE(__uint_as_float(y[4]) == 128.0f);
        REQUIRE(y[5] == ~0u);
        REQUIRE(y[6] == 8u);
    });
}

TEST_CASE("resident blocks can wait for each other") {
    const Settings before = settings();
    for (const uint64_t seed : {0, 1, 2}) {
        use({seed, Copies::late, 8});
        const auto y = result_of<unsigned>(chain, 8, 32, 8);
        for (unsigned b = 0; b < 8; ++b) REQUIRE(y[b] == b + 1);
    }
    use(before);
}

TEST_CASE("shared memory is poisoned at the start of every block") {
    in_every_order([] {
        for (const unsigned value : result_of<unsigned>(poisoned, 3, 8, 8)) REQUIRE(value == 0xffffffffu);
    });
}

TEST_CASE("dynamic shared memory is aligned to 1024 bytes and has the size of the launch") {
    auto* y = static_cast<unsigned*>(allocate(8));
    std::vector<unsigned> host(2);
    launch(dynamic, 1, 1, 4 * 777, {}, y, 777);
    copy_to_host(host.data(), y, 8, {});
    synchronise({});
    release(y, 8);
    REQUIRE((host == std::vector<unsigned>{0, 3}));
}

}  // namespace gradus::simt
