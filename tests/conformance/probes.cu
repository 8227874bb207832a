#include "tests/conformance/probes.h"

#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/atomics.h"
#include "kernels/cuda/primitives/barrier.h"
#include "kernels/cuda/primitives/conversion.h"
#include "kernels/cuda/primitives/device.h"
#include "kernels/cuda/primitives/exp2.h"
#include "kernels/cuda/primitives/matrix.h"
#include "kernels/cuda/primitives/warp.h"
#include "kernels/scalar.h"
#include "tests/conformance/boxes.h"
#include "tests/conformance/tiles.h"

namespace gradus::DEVICE {

namespace {

constexpr unsigned everybody = 0xffffffffu;

// A float between −8 and 8 with few bits: sums and products of hundreds of them are exact.
__device__ float small(uint32_t word) { return float(int(word % 65u) - 32) / 4; }
// A float of magnitude around 1 with all bits.
__device__ float any(uint32_t word) { return float(int32_t(word)) * 0x1p-29f; }
__device__ uint32_t packed(float low, float high) { return bf16(low).bits | uint32_t(bf16(high).bits) << 16; }
__device__ uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }

// ---- CUDA's built-ins -----------------------------------------------------------------------------------------------

__global__ void shuffles(const uint32_t* words, uint32_t* results) {
    const int t = int(threadIdx.x);
    const uint32_t w = words[t];
    uint32_t* r = results + t * 16;
    for (int i = 0; i < 5; ++i) r[i] = __shfl_xor_sync(everybody, w, 1 << i);
    r[5] = __shfl_up_sync(everybody, w, 3);
    r[6] = __shfl_down_sync(everybody, w, 7);
    r[7] = __shfl_sync(everybody, w, int(w % 32));
    r[8] = __shfl_sync(everybody, w, t / 8 % 8, 8);
    r[9] = __shfl_up_sync(everybody, w, 1, 16);
    r[10] = bits(__shfl_down_sync(everybody, any(w), 16));
    const double wide = __shfl_xor_sync(everybody, double(any(w)) + 0x1p-40, 9);
    r[11] = uint32_t(std::bit_cast<uint64_t>(wide) >> 7);
    if (t % 32 < 12) r[12] = __shfl_xor_sync(0xfffu, w, 2);
    else r[12] = __shfl_down_sync(0xfffff000u, w, 1);
}

__global__ void votes(const uint32_t* words, uint32_t* results) {
    const int t = int(threadIdx.x);
    const uint32_t w = words[t];
    uint32_t* r = results + t * 16;
    r[0] = __ballot_sync(everybody, w & 1);
    r[1] = uint32_t(__any_sync(everybody, w % 97 == 0));
    r[2] = uint32_t(__all_sync(everybody, w % 97 != 0));
    r[3] = __reduce_add_sync(everybody, w);
    r[4] = __reduce_min_sync(everybody, w);
    r[5] = __reduce_max_sync(everybody, w);
    r[6] = uint32_t(__reduce_min_sync(everybody, int(w)));
    r[7] = __reduce_and_sync(everybody, w | 0xffff);
    r[8] = __reduce_or_sync(everybody, w & 0xff00ff);
    r[9] = __reduce_xor_sync(everybody, w);
    r[10] = uint32_t(lane_of_warp());
    const bool elected = elect_one();
    r[11] = uint32_t(__popc(__ballot_sync(everybody, elected)));
}

__global__ void atomics(const uint32_t* words, uint32_t* results) {
    const uint32_t w = words[threadIdx.x];
    atomicAdd(results, w);
    atomicMax(results + 1, w);
    atomicMin(reinterpret_cast<int*>(results + 2), int(w));
    atomicAdd(reinterpret_cast<unsigned long long*>(results + 4), static_cast<unsigned long long>(w));
    atomicAdd(reinterpret_cast<float*>(results + 6), small(w));  // exact, in any order
    atomicCAS(results + 7, 0u, 5u);
    atomicCAS(results + 7, 6u, 9u);  // never
}

// One warp writes, another waits for the flag and reads.
__global__ void release_and_acquire(const uint32_t* words, uint32_t* results) {
    SHARED(uint32_t, flag, );
    if (threadIdx.x == 0) flag = 0;
    __syncthreads();
    const int lane = int(threadIdx.x % 32), warp = int(threadIdx.x / 32);
    if (warp == 0) {
        results[lane] = words[lane] * 3;
        __syncwarp();
        if (lane == 0) store_release<Scope::block>(&flag, 1u);
    }
    if (warp == 1) {
        if (lane == 0)
            while (load_acquire<Scope::block>(&flag) == 0) {}
        __syncwarp();
        results[32 + lane] = results[lane] + 1;
    }
}

__global__ void arithmetic(const uint32_t* words, uint32_t* results) {
    const int t = int(threadIdx.x);
    const float x = any(words[t]), y = fabsf(x) + 1e-3f;
    const float out[] = {expf(x),
                         logf(y),
                         tanhf(x),
                         erff(x),
                         rsqrtf(y),
                         sqrtf(y),
                         exp2f(x),
                         x / y,
                         exp2_approximate(x),
                         exp2_approximate(-300 * y),
                         exp2_approximate(-INFINITY)};
    for (int i = 0; i < 11; ++i) results[t * 11 + i] = bits(out[i]);
}

__global__ void bf16_pairs(const uint32_t* words, uint32_t* results) {
    const int t = int(threadIdx.x);
    for (int i = 0; i < 16; ++i) {  // any bits, then the ties of ordinary numbers, and NaN
        const uint32_t low = words[t * 32 + i], high = words[t * 32 + 16 + i] & 0xffff8000u;
        results[t * 16 + i] = bf16_pair(std::bit_cast<float>(low), i == 7 ? NAN : std::bit_cast<float>(high));
    }
}

__global__ void roundings(const uint32_t* words, uint32_t* results) {
    for (int i = int(threadIdx.x); i < 8192; i += probe_threads) results[i] = bf16(std::bit_cast<float>(words[i])).bits;
}

__global__ void dynamic_memory(const uint32_t* words, uint32_t* results, int count) {
    DYNAMIC_SHARED(uint32_t, room);
    for (int i = int(threadIdx.x); i < count; i += probe_threads) room[count - 1 - i] = words[i % probe_words];
    __syncthreads();
    for (int i = int(threadIdx.x); i < probe_results; i += probe_threads) results[i] = room[i];
}

__global__ void packs(const uint32_t* words, uint32_t* results) {
    const int t = int(threadIdx.x);
    Pack<uint32_t> p = load_pack(words + t * 4);
    for (int i = 0; i < 4; ++i) p[i] = p[i] * 5 + uint32_t(i);
    store_pack(results + (probe_threads - 1 - t) * 4, p);
}

// ---- barriers ----------------------------------------------------------------------------------------------------

// Warp 0 writes, warps 1 and 2 read; barrier 1 means full, barrier 2 empty. Warp 3 does not take part.
__global__ void named_barriers(const uint32_t* words, uint32_t* results) {
    SHARED(uint32_t, room, [32]);
    const int lane = int(threadIdx.x % 32), warp = int(threadIdx.x / 32);
    for (int round = 0; round < 8 && warp < 3; ++round) {
        if (warp == 0) {
            if (round > 0) named_barrier_sync(2, 96);
            room[lane] = words[round * 32 + lane];
            named_barrier_sync(1, 96);
        } else {
            named_barrier_sync(1, 96);
            results[(round * 2 + warp - 1) * 32 + lane] = room[31 - lane];
            if (round < 7) named_barrier_arrive(2, 96);
        }
    }
}

__global__ void mbarriers(const uint32_t* words, uint32_t* results) {
    SHARED(MBarrier, full, );
    SHARED(MBarrier, empty, );
    SHARED(uint32_t, room, [32]);
    const int lane = int(threadIdx.x % 32), warp = int(threadIdx.x / 32);
    if (threadIdx.x == 0) {
        mbarrier_init(&full, 32);
        mbarrier_init(&empty, 64);
        fence_mbarrier_init();
    }
    __syncthreads();
    for (int round = 0; round < 8 && warp < 3; ++round) {
        const unsigned parity = unsigned(round & 1);
        if (warp == 0) {
            if (round > 0) mbarrier_wait(&empty, parity ^ 1);
            room[lane] = words[round * 32 + lane];
            mbarrier_arrive(&full);
        } else {
            mbarrier_wait(&full, parity);
            results[(round * 2 + warp - 1) * 32 + lane] = room[31 - lane];
            mbarrier_arrive(&empty);
        }
    }
}

// ---- copies ------------------------------------------------------------------------------------------------------

__global__ void async_copies(const uint32_t* words, uint32_t* results) {
    SHARED(uint4, room, [4][probe_threads]);
    const int t = int(threadIdx.x);
    for (int stage = 0; stage < 4; ++stage) {
        const uint32_t* from = words + (stage * probe_threads + t) * 4;
        if (stage == 3) copy_async_part(&room[stage][t], from, t % 17);
        else copy_async(&room[stage][t], from, (t + stage) % 5 != 0);  // else zeros
        copy_async_commit();
    }
    copy_async_wait<2>();
    __syncthreads();
    const uint32_t* all = reinterpret_cast<const uint32_t*>(room);
    for (int i = t; i < 2 * probe_threads * 4; i += probe_threads) results[i] = all[i ^ 64];
    copy_async_wait<0>();
    __syncthreads();
    for (int i = 2 * probe_threads * 4 + t; i < 4 * probe_threads * 4; i += probe_threads) results[i] = all[i ^ 64];
    SHARED(uint32_t, of_words, [probe_threads]);
    copy_async_word(&of_words[t], words + 3 * t + 1, t % 3 != 0);
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
    results[4 * probe_threads * 4 + t] = of_words[t ^ 33];
}

// A bulk load, a change of every word, a bulk store. Empty for GPUs before Hopper.
template <int compiled_for>
__device__ void bulk(const uint32_t* words, uint32_t* results, uint32_t* room, MBarrier* barrier) {
    if constexpr (compiled_for >= 90) {
        constexpr unsigned count = 2048, bytes = count * 4;
        if (threadIdx.x == 0) {
            mbarrier_init(barrier, 1);
            fence_mbarrier_init();
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            mbarrier_arrive_and_expect(barrier, bytes);
            bulk_load(room, words, bytes, barrier);
        }
        mbarrier_wait(barrier, 0);
        for (unsigned i = threadIdx.x; i < count; i += probe_threads) room[i] = room[i] * 7 + i;
        fence_async();
        __syncthreads();
        if (threadIdx.x == 0) {
            bulk_store(results, room, bytes);
            bulk_commit();
            bulk_wait<0>();
        }
    }
}
__global__ void bulk_copies(const uint32_t* words, uint32_t* results) {
    SHARED(MBarrier, barrier, );
    DYNAMIC_SHARED(uint32_t, room);
    bulk<architecture>(words, results, room, &barrier);
}

// ---- matrices ----------------------------------------------------------------------------------------------------

__global__ void matrix_loads(const uint32_t* words, uint32_t* results) {
    SHARED(uint4, room, [64]);  // 64 rows of eight 16-bit elements
    uint32_t* const all = reinterpret_cast<uint32_t*>(room);
    for (int i = int(threadIdx.x); i < 256; i += probe_threads) all[i] = words[i];
    __syncthreads();
    const int t = int(threadIdx.x), row = (t * 5 + t / 32 * 3) % 64;
    uint32_t four[4], two[2];
    ldmatrix(four, &room[row]);
    for (int i = 0; i < 4; ++i) results[t * 16 + i] = four[i];
    ldmatrix_transposed(four, &room[row]);
    for (int i = 0; i < 4; ++i) results[t * 16 + 4 + i] = four[i];
    ldmatrix(two, &room[row]);
    for (int i = 0; i < 2; ++i) results[t * 16 + 8 + i] = two[i];
    ldmatrix_transposed(two, &room[row]);
    for (int i = 0; i < 2; ++i) results[t * 16 + 10 + i] = two[i];
}

__global__ void products(const uint32_t* words, uint32_t* results, bool exact) {
    const int t = int(threadIdx.x);
    const auto number = [&](int i) {
        const uint32_t w = words[t * 32 + i];
        return exact ? small(w) : any(w);
    };
    uint32_t a[4], b[2];
    float d[4];
    for (int i = 0; i < 4; ++i) a[i] = packed(number(2 * i), number(2 * i + 1));
    for (int i = 0; i < 2; ++i) b[i] = packed(number(8 + 2 * i), number(9 + 2 * i));
    for (int i = 0; i < 4; ++i) d[i] = number(12 + i) + (exact ? 0.f : 200.f);  // no cancellation: sums are far from 0
    mma_bf16(d, a, b);
    for (int i = 0; i < 4; ++i) results[t * 4 + i] = bits(d[i]);
}

// Small numbers are the same in tf32. With all bits, most operands are rounded: in the last bits where mma truncates.
__global__ void tf32_products(const uint32_t* words, uint32_t* results, bool exact) {
    const int t = int(threadIdx.x);
    const auto number = [&](int i) {
        const uint32_t w = words[t * 16 + i];
        return exact ? small(w) : any(w);
    };
    uint32_t a[4], b[2];
    float d[4];
    for (int i = 0; i < 4; ++i) a[i] = bits(number(i));
    for (int i = 0; i < 2; ++i) b[i] = bits(number(4 + i));
    for (int i = 0; i < 4; ++i) d[i] = number(6 + i) + (exact ? 0.f : 200.f);
    mma_tf32(d, a, b);
    for (int i = 0; i < 4; ++i) results[t * 4 + i] = bits(d[i]);
}

// A and B [64][64] are small integers from the random words, so every sum is exact. Four matmuls with 4096 results each.
template <Swizzle swizzle, bool compiled_for>
__device__ void tile_products_on(const uint32_t* words, uint32_t* results, TileStorage<64>& a, TileStorage<64>& b) {
    if constexpr (compiled_for) {
        const auto a_of = [&](int i, int k) { return small(words[i * tile_depth + k]); };
        const auto b_of = [&](int i, int k) { return small(words[4096 + i * tile_depth + k]); };
        float* const y = reinterpret_cast<float*>(results);
        tile_matmul<false, Major::k, Major::k, swizzle, 64>(a, b, a_of, b_of, y);
        tile_matmul<false, Major::mn, Major::mn, swizzle, 64>(a, b, a_of, b_of, y + 4096);
        tile_matmul<true, Major::k, Major::k, swizzle, 64>(a, b, a_of, b_of, y + 2 * 4096);
        tile_matmul<true, Major::k, Major::mn, swizzle, 64>(a, b, a_of, b_of, y + 3 * 4096);
    } else if (threadIdx.x == 0) {
        results[0] = no_code;
    }
}
template <Swizzle swizzle>
__global__ void tile_products(const uint32_t* words, uint32_t* results) {
    SHARED(TileStorage<64>, a, );
    SHARED(TileStorage<64>, b, );
    tile_products_on<swizzle, has_warpgroups>(words, results, a, b);
}

// Inexact numbers and the widest wgmma; the first warpgroup takes registers from the others.
template <bool compiled_for>
__device__ void wide_product_on(const uint32_t* words, uint32_t* results, TileStorage<64>& a, TileStorage<256>& b) {
    if constexpr (compiled_for) {
        if (threadIdx.x >= probe_threads) {
            registers_lower<24>();
            return;
        }
        registers_raise<240>();
        const auto a_of = [&](int i, int k) { return any(words[i * tile_depth + k]) + 5; };  // no cancellation
        const auto b_of = [&](int i, int k) { return any(words[i * tile_depth + k] * 7) + 5; };
        tile_matmul<false, Major::k, Major::mn, Swizzle::bytes_128, 256>(a, b, a_of, b_of,
                                                                         reinterpret_cast<float*>(results));
    } else if (threadIdx.x == 0) {
        results[0] = no_code;
    }
}

// A thread starts with 168 registers; two warpgroups release registers for the first.
__global__ void __launch_bounds__(3 * probe_threads, 1) wide_product(const uint32_t* words, uint32_t* results) {
    SHARED(TileStorage<64>, a, );
    SHARED(TileStorage<256>, b, );
    wide_product_on<has_warpgroups>(words, results, a, b);
}

// ---- launchers ---------------------------------------------------------------------------------------------------

template <auto kernel, int shared_bytes = 0>
void run(const uint32_t* words, uint32_t* results, Stream s) {
    launch(kernel, dim3(1), dim3(probe_threads), shared_bytes, s, words, results);
}

void run_wide_product(const uint32_t* words, uint32_t* results, Stream s) {
    launch(wide_product, dim3(1), dim3(3 * probe_threads), 0, s, words, results);
}

constexpr int large = 96 << 10;  // more than a block has without opting in
void run_dynamic_memory(const uint32_t* words, uint32_t* results, Stream s) {
    launch(dynamic_memory, dim3(1), dim3(probe_threads), large, s, words, results, large / 4);
}
template <bool exact>
void run_products(const uint32_t* words, uint32_t* results, Stream s) {
    launch(products, dim3(1), dim3(probe_threads), 0, s, words, results, exact);
}
template <bool exact>
void run_tf32_products(const uint32_t* words, uint32_t* results, Stream s) {
    launch(tf32_products, dim3(1), dim3(probe_threads), 0, s, words, results, exact);
}

}  // namespace

std::span<const Probe> probes() {
    static const Probe all[] = {
        {"shuffles", run<shuffles>},
        {"votes and reductions of a warp", run<votes>},
        {"atomics", run<atomics>},
        {"release and acquire", run<release_and_acquire>},
        {"exp, log, tanh, erf and roots", run<arithmetic>, 1e-6},
        {"rounding to bf16", run<roundings>},
        {"rounding to pairs of bf16", run<bf16_pairs>},
        {"shared memory of 96 KiB", run_dynamic_memory},
        {"packs of 16 bytes", run<packs>},
        {"named barriers", run<named_barriers>},
        {"mbarriers", run<mbarriers>},
        {"cp.async", run<async_copies>},
        {"bulk copies", run<bulk_copies, 8192>, 0, 90},
        {"boxes of tensor maps", run_boxes<Swizzle::none>, 0, 90},
        {"boxes swizzled by 32 bytes", run_boxes<Swizzle::bytes_32>, 0, 90},
        {"boxes swizzled by 64 bytes", run_boxes<Swizzle::bytes_64>, 0, 90},
        {"boxes swizzled by 128 bytes", run_boxes<Swizzle::bytes_128>, 0, 90},
        {"ldmatrix", run<matrix_loads>},
        {"mma of small integers", run_products<true>},
        {"mma", run_products<false>, 1e-6},
        {"mma of small integers in tf32", run_tf32_products<true>},
        {"mma in tf32", run_tf32_products<false>, 1e-6},
        {"wgmma of plain tiles", run<tile_products<Swizzle::none>>, 0, 90, true},
        {"wgmma of tiles swizzled by 32 bytes", run<tile_products<Swizzle::bytes_32>>, 0, 90, true},
        {"wgmma of tiles swizzled by 64 bytes", run<tile_products<Swizzle::bytes_64>>, 0, 90, true},
        {"wgmma of tiles swizzled by 128 bytes", run<tile_products<Swizzle::bytes_128>>, 0, 90, true},
        {"wgmma of 256 columns", run_wide_product, 4e-6, 90, true},
    };
    return all;
}

}  // namespace gradus::DEVICE
