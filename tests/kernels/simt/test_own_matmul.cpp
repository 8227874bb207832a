// The kernels of kernels/cuda/matmul/ with every tile, layout and number of splits, on small integers: all sums are exact, so every
// element has one right value.
#include <catch2/catch.hpp>

#include "kernels/choices.h"
#include "kernels/cuda/matmul/own.h"
#include "kernels/cuda/matmul/tile_order.h"
#include "kernels/simt/settings.h"
#include "tests/kernels/harness.h"
#include "tests/kernels/table/tested.h"

using namespace gradus;
using namespace gradus::test;
using simt::Matmul;
using simt::MatmulCores;
using simt::MatmulPlan;
using simt::MatmulTile;

namespace {

// Device memory with a copy of a host tensor, whose rows are `gap` elements further apart; the gaps are NaN.
class OnDevice {
public:
    OnDevice(const Tensor& host, int64_t gap) : padded_(with_gaps(host, NAN, 0, gap).whole), columns_(host.last()) {
        memory_ = simt_ops().allocate(padded_.bytes());
        simt_ops().copy_to_device(memory_, padded_.data, padded_.bytes(), {});
    }
    ~OnDevice() { simt_ops().release(memory_, padded_.bytes()); }
    OnDevice(const OnDevice&) = delete;
    OnDevice& operator=(const OnDevice&) = delete;

    operator Tensor() const { return Tensor{memory_, padded_.dtype, padded_.shape}.columns(0, columns_); }
    // What the device has, gaps included.
    Owned whole() const {
        Owned back(padded_.dtype, padded_.shape);
        simt_ops().copy_to_host(back.data, memory_, back.bytes(), {});
        simt_ops().synchronise({});
        return back;
    }

private:
    Owned padded_;
    int64_t columns_;
    void* memory_;
};

Owned small(uint64_t seed, DType dtype, const Shape& shape) { return converted(integers(seed, shape, -3, 4), dtype); }

struct Kind {
    DType operands, result;
    bool transpose_a, transpose_b, accumulate;
};

struct Size {
    int64_t M, N, K, gap = 0;
};

// The elements of c and of its gaps, with the seeds above.
void check(const Kind& kind, const Size& size, const MatmulPlan& plan) {
    const auto& [M, N, K, gap] = size;
    const Owned a = small(1, kind.operands, kind.transpose_a ? Shape{K, M} : Shape{M, K}),
                b = small(2, kind.operands, kind.transpose_b ? Shape{N, K} : Shape{K, N}),
                c = small(3, kind.result, {M, N}), bias = small(4, kind.result, {N});
    const OnDevice da(a, gap), db(b, gap), dc(c, gap), d_bias(bias, 0);
    const Stream stream = Stream{}.with({});
    const size_t bytes = simt::split_bytes(M, N, plan.splits);
    const OnDevice workspace(filled(DType::f32, {int64_t(bytes / 4 + 1)}, NAN), 0);
    const Matmul p = {.c = dc,
                      .a = da,
                      .b = db,
                      .transpose_a = kind.transpose_a,
                      .transpose_b = kind.transpose_b,
                      .bias = kind.accumulate ? Tensor{} : Tensor(d_bias),
                      .accumulate = kind.accumulate,
                      .alpha = 2};
    CAPTURE(kind.transpose_a, kind.transpose_b, kind.accumulate, int(kind.operands), int(kind.result), M, N, K, gap,
            int(plan.cores), int(plan.tile), plan.splits, plan.blocks, tested().configurations.size());
    REQUIRE(simt::on_tensor_cores(p) == (plan.cores != MatmulCores::cuda));
    simt::own_matmul(p, plan, {stream.handle, Tensor(workspace).data, bytes});
    const Owned got = dc.whole();
    int64_t wrong = 0;
    for (int64_t m = 0; m < M; ++m) {
        for (int64_t n = 0; n < N; ++n) {
            double want = kind.accumulate ? at(c, m * N + n) : at(bias, n);
            for (int64_t k = 0; k < K; ++k)
                want += 2 * at(a, kind.transpose_a ? k * M + m : m * K + k) *
                        at(b, kind.transpose_b ? n * K + k : k * N + n);
            if (kind.result == DType::bf16) want = double(float(bf16(float(want))));
            wrong += at(got, m * (N + gap) + n) != want;
        }
        for (int64_t g = 0; g < gap; ++g) wrong += !std::isnan(at(got, m * (N + gap) + N + g));
    }
    REQUIRE(wrong == 0);
}

MatmulPlan plan(MatmulCores cores, MatmulTile tile, int splits, int64_t K, int blocks = 0) {
    const int64_t unit = simt::depth_unit;
    return {cores, tile, splits, ((K + splits - 1) / splits + unit - 1) / unit * unit, blocks};
}

template <class Run>
void each_kind(DType operands, const Run& run) {
    for (const DType result : {DType::f32, DType::bf16})
        for (const bool transpose_a : {false, true})
            for (const bool transpose_b : {false, true})
                if (operands == DType::bf16 || result == DType::f32)
                    run(Kind{operands, result, transpose_a, transpose_b, transpose_a != transpose_b});
}

constexpr MatmulTile tiles[] = {MatmulTile::small, MatmulTile::medium, MatmulTile::large};
constexpr MatmulTile tiles_of_warpgroups[] = {MatmulTile::medium, MatmulTile::large};
constexpr MatmulCores cuda = MatmulCores::cuda, mma = MatmulCores::mma, wgmma = MatmulCores::wgmma;

}  // namespace

TEST_CASE(
    "own matmul: every tile of tensor cores is exact in every layout, with gaps between rows and sizes that are "
    "multiples of nothing") {
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        for (const MatmulTile tile : tiles) {
            // Less than a tile, several slices of k; and a little more than a tile.
            const Size less = {13, 21, 141, 3},
                       more = tile == MatmulTile::small ? Size{69, 77, 141, 3} : Size{133, 261, 77, 3};
            each_kind(DType::bf16, [&](const Kind& kind) {
                check(kind, less, plan(mma, tile, 1, less.K));
                if (!tested().slow && (kind.transpose_a || kind.transpose_b || tile != MatmulTile::large))
                    check(kind, more, plan(mma, tile, 1, more.K));
            });
        }
    }
}

TEST_CASE(
    "own matmul: every tile of warpgroups is exact in every layout, when blocks have several tiles and the ring of "
    "stages "
    "goes round") {
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        for (const MatmulTile tile : tiles_of_warpgroups) {
            // Less than a tile; and four or six tiles, of which the last have five rows or columns, for one block and for two.
            const Size less = {13, 21, 141, 3}, more = {133, 261, 141, 3};
            each_kind(DType::bf16, [&](const Kind& kind) {
                check(kind, less, plan(wgmma, tile, 1, less.K));
                if (!tested().slow || kind.result == DType::bf16) check(kind, more, plan(wgmma, tile, 1, more.K, 1));
                if (!tested().slow) check(kind, more, plan(wgmma, tile, 1, more.K, 2));
            });
        }
        check({DType::bf16, DType::f32, false, true, false}, {72, 40, 64 * 9 + 1, 7},
              plan(wgmma, MatmulTile::medium, 1, 64 * 9 + 1));
    }
}

TEST_CASE("own matmul: splits of k are added in order, ragged ones included") {
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        for (const int splits : {2, 3}) {
            const auto check_both = [&](MatmulCores cores, MatmulTile tile, int blocks) {
                for (const DType result : {DType::f32, DType::bf16}) {
                    check({DType::bf16, result, false, true, false}, {10, 24, 152, 0},
                          plan(cores, tile, splits, 152, blocks));
                    check({DType::bf16, result, true, false, true}, {16, 24, 155, 8},
                          plan(cores, tile, splits, 155, blocks));
                }
            };
            for (const MatmulTile tile : tiles) check_both(mma, tile, 0);
            for (const MatmulTile tile : tiles_of_warpgroups)
                for (const int blocks : {0, 1}) check_both(wgmma, tile, blocks);
            check({DType::f32, DType::f32, true, false, true}, {5, 9, 155, 0},
                  plan(cuda, MatmulTile::small, splits, 155));
        }
    }
}

TEST_CASE("own matmul: f32, and bf16 that is not aligned, are exact on the CUDA cores") {
    for (const MatmulTile tile : {MatmulTile::small, MatmulTile::medium})
        for (const DType operands : {DType::f32, DType::bf16})
            each_kind(operands, [&](const Kind& kind) {
                check(kind, {9, 5, 19, 3}, plan(cuda, tile, 1, 19));
                if (!tested().slow) check(kind, {67, 131, 21, 0}, plan(cuda, tile, 1, 21));
            });
}

TEST_CASE(
    "own matmul: the plan splits k when c has few tiles, as far as the workspace allows, and depends on shapes alone") {
    std::vector<bf16> memory(64);
    const auto plan_for = [&](int64_t M, int64_t N, int64_t K, size_t workspace, MatmulCores cores = mma) {
        const auto tensor = [&](int64_t rows, int64_t columns) {
            return Tensor{memory.data(), DType::bf16, {rows, columns}};
        };
        Tensor c = tensor(M, N), a = tensor(M, K), b = tensor(N, K);
        for (Tensor* t : {&c, &a, &b}) t->data = reinterpret_cast<void*>(uintptr_t(1) << 20);
        return simt::plan_of({.c = c, .a = a, .b = b, .transpose_b = true}, cores, workspace);
    };
    constexpr size_t full = cuda_matmul_workspace;
    const MatmulPlan head = plan_for(4096, 50304, 768, full);
    REQUIRE(head.tile == MatmulTile::large);
    REQUIRE(head.splits == 1);
    REQUIRE(plan_for(16, 768, 768, full).tile == MatmulTile::small);
    const MatmulPlan deep = plan_for(768, 768, 32768, full);
    REQUIRE(deep.splits > 1);
    REQUIRE(simt::split_bytes(768, 768, deep.splits) <= full);
    REQUIRE(deep.depth * deep.splits >= 32768);
    REQUIRE(deep.depth * (deep.splits - 1) < 32768);
    REQUIRE(plan_for(768, 768, 32768, 0).splits == 1);
    REQUIRE(plan_for(768, 768, 32768, 2 * 768 * 768 * sizeof(float)).splits == 2);

    // Of 132 multiprocessors: three waves of large tiles, of which the last is nearly full, against six of medium ones; and half
    // a wave of large tiles against one of medium ones.
    REQUIRE(plan_for(8192, 1536, 4096, 0, wgmma).tile == MatmulTile::large);
    REQUIRE(plan_for(1024, 2048, 4096, 0, wgmma).tile == MatmulTile::medium);
    REQUIRE(plan_for(768, 768, 32768, full, wgmma).splits > 1);
}

TEST_CASE(
    "own matmul: warpgroups multiply on a GPU of compute capability 9.0 if both operands are aligned and Hopper's "
    "kernels are wanted") {
    std::vector<bf16> memory(512);
    bf16* const start = memory.data() + (16 - reinterpret_cast<uintptr_t>(memory.data()) % 16) % 16 / sizeof(bf16);
    const auto cores = [&](int64_t K, int offset) {
        const Tensor c{start, DType::bf16, {8, 8}}, a{start + offset, DType::bf16, {8, K}},
            b{start, DType::bf16, {8, K}};
        return simt::plan_of({.c = c, .a = a, .b = b, .transpose_b = true}, 0).cores;
    };
    const simt::Settings before = simt::settings();
    const bool wanted = kernel_choices().hopper;
    simt::Settings settings = before;
    for (const auto& [capability, best] : {std::pair{80, mma}, {90, wgmma}}) {
        settings.capability = capability;
        simt::use(settings);
        REQUIRE(cores(16, 0) == best);
        REQUIRE(cores(16, 1) == cuda);
        REQUIRE(cores(17, 0) == cuda);
        kernel_choices().hopper = false;
        REQUIRE(cores(16, 0) == mma);
        kernel_choices().hopper = wanted;
    }
    simt::use(before);
}

TEST_CASE("own matmul: blocks are numbered so that every tile is computed once") {
    for (const auto& [tiles_m, tiles_n] : {std::pair{1, 1}, {3, 5}, {8, 2}, {9, 4}, {19, 7}}) {
        std::vector<int> times(size_t(tiles_m * tiles_n));
        for (int tile = 0; tile < tiles_m * tiles_n; ++tile) {
            const simt::TilePlace place = simt::place_of(tile, tiles_m, tiles_n);
            REQUIRE((place.m >= 0 && place.m < tiles_m && place.n >= 0 && place.n < tiles_n));
            ++times[size_t(place.m * tiles_n + place.n)];
        }
        REQUIRE(times == std::vector<int>(times.size(), 1));
    }
}
