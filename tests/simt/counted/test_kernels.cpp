// What the shipped kernels ask of a GPU's memory: results do not show a lost swizzle or a scalar access, and these counts do.
#include <catch2/catch.hpp>

#include <sstream>

#include "kernels/choices.h"
#include "kernels/every_op.h"
#include "kernels/scalar.h"
#include "kernels/simt/counters.h"
#include "kernels/simt/settings.h"
#include "tests/simt/counted/device_tensors.h"

using namespace gradus;
using namespace gradus::test;
using simt::LaunchCounts;
using simt::Space;

namespace {

template <class Run>
std::vector<LaunchCounts> counted(Run run, int blocks = 4) {
    simt::start_counting({.blocks = blocks});
    run(counted_ops());
    return simt::stop_counting();
}

// Sectors of global memory over the fewest that the accessed bytes fill.
double sector_ratio(const std::vector<LaunchCounts>& launches) {
    double sectors = 0, ideal = 0;
    for (const LaunchCounts& c : launches) {
        sectors += c.transactions(Space::global);
        ideal += c.transactions(Space::global, true);
    }
    return sectors / ideal;
}

double bank_conflicts(const std::vector<LaunchCounts>& launches) {
    double sum = 0;
    for (const LaunchCounts& c : launches) sum += c.bank_conflicts();
    return sum;
}

// The lines that need more than the ideal, for messages.
std::string excess(const std::vector<LaunchCounts>& launches) {
    std::ostringstream text;
    for (const LaunchCounts& c : launches)
        for (const simt::AccessCounts& a : c.accesses)
            if (a.transactions > a.ideal)
                text << c.kernel << " " << a.place << (a.write ? " writes " : " reads ")
                     << (a.space == Space::global ? "global" : "shared") << " memory: " << a.transactions << " for "
                     << a.ideal << " in " << a.instructions << " instructions, " << a.bytes << " bytes\n";
    return text.str();
}

// Bytes of the mean access of a warp to global memory, of the launch with the most: 512 with 16 per lane.
double bytes_per_access(const std::vector<LaunchCounts>& launches) {
    double bytes = 0, instructions = 0;
    for (const LaunchCounts& c : launches)
        for (const simt::AccessCounts& a : c.accesses)
            if (a.space == Space::global) bytes += a.bytes, instructions += a.instructions;
    return bytes / instructions;
}

// Of the lines of one file.
double bank_conflicts(const std::vector<LaunchCounts>& launches, const std::string& file) {
    double sum = 0;
    for (const LaunchCounts& c : launches)
        for (const simt::AccessCounts& a : c.accesses)
            if (a.space == Space::shared && a.place.find(file) == 0) sum += a.transactions - a.ideal;
    return sum;
}

double conflict_share(const std::vector<LaunchCounts>& launches) {
    double wavefronts = 0;
    for (const LaunchCounts& c : launches) wavefronts += c.transactions(Space::shared);
    return bank_conflicts(launches) / wavefronts;
}

// What the launches move at least, over what the op's formula says.
double bytes_ratio(const std::vector<LaunchCounts>& launches, const Cost& cost) {
    double bytes = 0;
    for (const LaunchCounts& c : launches) bytes += c.footprint_read + c.footprint_written;
    return bytes / cost.bytes;
}

double sum_of(const std::vector<LaunchCounts>& launches, double LaunchCounts::*field) {
    double sum = 0;
    for (const LaunchCounts& c : launches) sum += c.*field;
    return sum;
}

struct AttentionCase {
    int B = 1, T = 256, H = 4, G = 2, D = 64;

    Tensor interval(DeviceTensors& m, bool end) const {
        Tensor t = m.of(DType::i32, {B, T});
        std::vector<int32_t> host(size_t(B * T));
        for (int i = 0; i < B * T; ++i) host[size_t(i)] = end ? i % T + 1 : 0;
        simt::copy_to_device(t.data, host.data(), t.bytes(), {});
        simt::synchronise({});
        return t;
    }
    AttentionForward forward(DeviceTensors& m, DType t) const {
        const PackedHeads qkv = packed_heads(m.of(t, {B * T, (H + 2 * G) * D}), H, G, D);
        return {.y = m.of(t, {B * T, H * D}),
                .lse = m.of(DType::f32, {B, H, T}),
                .q = qkv.q,
                .k = qkv.k,
                .v = qkv.v,
                .lo = interval(m, false),
                .hi = interval(m, true),
                .B = B,
                .Tq = T,
                .Tk = T,
                .H = H,
                .G = G,
                .D = D,
                .scale = 0.125};
    }
    AttentionBackward backward(DeviceTensors& m) const {
        const AttentionForward f = forward(m, DType::bf16);
        const PackedHeads d = packed_heads(m.of(DType::bf16, {B * T, (H + 2 * G) * D}), H, G, D);
        return {.d_q = d.q,
                .d_k = d.k,
                .d_v = d.v,
                .delta = m.of(DType::f32, {B, H, T}),
                .d_y = m.of(DType::bf16, {B * T, H * D}),
                .q = f.q,
                .k = f.k,
                .v = f.v,
                .y = f.y,
                .lse = f.lse,
                .lo = f.lo,
                .hi = f.hi,
                .B = f.B,
                .Tq = f.Tq,
                .Tk = f.Tk,
                .H = f.H,
                .G = f.G,
                .D = f.D,
                .scale = f.scale};
    }
};

// The emulated GPU has another compute capability in this scope.
struct WithCapability {
    simt::Settings before = simt::settings();
    explicit WithCapability(int capability) {
        simt::Settings other = before;
        other.capability = capability;
        simt::use(other);
    }
    ~WithCapability() { simt::use(before); }
};

constexpr int64_t N = 2048, C = 768;

}  // namespace

TEST_CASE("forward norms read a row once, in whole sectors of 16 bytes per lane") {
    for (const DType t : {DType::f32, DType::bf16}) {
        DeviceTensors m;
        const LayerNormForward a = {.y = m.of(t, {N, C}),
                                    .mean = m.of(DType::f32, {N}),
                                    .rstd = m.of(DType::f32, {N}),
                                    .x = m.of(t, {N, C}),
                                    .gain = m.of(t, {C}),
                                    .bias = m.of(t, {C})};
        const auto layernorm = counted([&](const Ops& ops) { ops.layernorm_forward(a, {}); });
        INFO(excess(layernorm));
        REQUIRE(sector_ratio(layernorm) <= 1.05);
        REQUIRE(bytes_ratio(layernorm, cost(a)) == Approx(1).epsilon(0.05));
        REQUIRE(bytes_per_access(layernorm) > 400);
        const RmsNormForward b = {
            .y = m.of(t, {N, C}), .rstd = m.of(DType::f32, {N}), .x = m.of(t, {N, C}), .gain = m.of(t, {C})};
        const auto rmsnorm = counted([&](const Ops& ops) { ops.rmsnorm_forward(b, {}); });
        INFO(excess(rmsnorm));
        REQUIRE(sector_ratio(rmsnorm) <= 1.05);
        REQUIRE(bank_conflicts(rmsnorm) == 0);
    }
}

TEST_CASE("backward norms access whole sectors, and shared memory without bank conflicts") {
    DeviceTensors m;
    const DType t = DType::bf16;
    const LayerNormBackward a = {.d_x = m.of(t, {N, C}),
                                 .d_gain = m.of(DType::f32, {C}),
                                 .d_bias = m.of(DType::f32, {C}),
                                 .d_y = m.of(t, {N, C}),
                                 .d_residual = m.of(t, {N, C}),
                                 .x = m.of(t, {N, C}),
                                 .gain = m.of(t, {C}),
                                 .mean = m.of(DType::f32, {N}),
                                 .rstd = m.of(DType::f32, {N})};
    const Tensor workspace = m.of(DType::f32, {1 << 22});
    const auto backward = counted([&](const Ops& ops) { ops.layernorm_backward(a, Stream{}.with(workspace)); });
    INFO(excess(backward));
    REQUIRE(sector_ratio(backward) <= 1.05);
    REQUIRE(bank_conflicts(backward) == 0);
    REQUIRE(bytes_ratio(backward, cost(a)) < 1.3);  // with the partial sums of the blocks
}

TEST_CASE("copies, activations, dropout and sums access whole sectors, 16 bytes per lane") {
    DeviceTensors m;
    const int64_t rows = 256, F = 2048, n = rows * F;
    const DType t = DType::bf16;
    const Tensor x = m.of(t, {rows, F}), y = m.of(t, {rows, F}), z = m.of(t, {rows, F});
    const auto add = counted([&](const Ops& ops) { ops.add({.y = y, .a = x, .b = z}, {}); });
    INFO(excess(add));
    REQUIRE(sector_ratio(add) == 1);
    REQUIRE(bytes_per_access(add) == 512);
    const auto gelu =
        counted([&](const Ops& ops) { ops.activation_forward({.y = y, .x = x, .kind = Activation::gelu_tanh}, {}); });
    INFO(excess(gelu));
    REQUIRE(sector_ratio(gelu) == 1);
    REQUIRE(bytes_per_access(gelu) == 512);
    REQUIRE(sum_of(gelu, &LaunchCounts::special) == 3 * n);  // an exponential, a reciprocal, and a root of a constant
    const auto cast = counted([&](const Ops& ops) { ops.cast({.y = y, .x = m.of(DType::f32, {rows, F})}, {}); });
    INFO(excess(cast));
    REQUIRE(sector_ratio(cast) == 1);
    const auto squares = counted([&](const Ops& ops) {
        ops.square_sum(
            {.total = m.of(DType::f64, {1}), .parts = m.of(DType::f64, {square_sum_parts}), .x = m.of(DType::f32, {n})},
            {});
    });
    INFO(excess(squares));
    REQUIRE(sector_ratio(squares) <= 1.05);
    REQUIRE(bank_conflicts(squares) == 0);
}

TEST_CASE("attention forward has no bank conflicts, and computes little beyond the causal half") {
    for (const int D : {64, 128}) {
        DeviceTensors m;
        const AttentionCase a = {.D = D};
        const AttentionForward args = a.forward(m, DType::bf16);
        const auto launches = counted([&](const Ops& ops) { ops.attention_forward(args, {}); }, 0);
        INFO("D = " << D << "\n" << excess(launches));
        REQUIRE(bank_conflicts(launches) == 0);
        REQUIRE(sector_ratio(launches) <= 1.05);
        // 4·D per score of all tiles of 64 by 64 that the mask leaves: 10 of 16.
        const double scores = double(a.B * a.H) * 256 * 256 * 10 / 16;
        REQUIRE(sum_of(launches, &LaunchCounts::mma_flops) == Approx(4 * scores * D).epsilon(0.15));
        REQUIRE(sum_of(launches, &LaunchCounts::special) == Approx(scores).epsilon(0.2));  // not of masked ones
        // Queries once, and the tiles of 64 keys and values that each of the two blocks of 128 queries sees.
        const int tiles = 2 + 4;
        REQUIRE(sum_of(launches, &LaunchCounts::copied) == a.B * a.H * (256 + 2 * 64 * tiles) * D * 2);
    }
}

TEST_CASE("attention backward has no bank conflicts in its tiles, and computes seven products per pair of tiles") {
    for (const int D : {64, 128}) {
        DeviceTensors m;
        const AttentionCase a = {.D = D};
        const AttentionBackward args = a.backward(m);
        const auto launches = counted([&](const Ops& ops) { ops.attention_backward(args, {}); }, 0);
        INFO("D = " << D << "\n" << excess(launches));
        REQUIRE(bank_conflicts(launches, "kernels/cuda/attention/tile.h") == 0);
        REQUIRE(conflict_share(launches) < 0.02);  // lse and delta of a tile, two floats a lane
        REQUIRE(sector_ratio(launches) <= 1.05);
        const double scores = double(a.B * a.H) * 256 * 256 * 10 / 16;
        REQUIRE(sum_of(launches, &LaunchCounts::mma_flops) == Approx(14 * scores * D).epsilon(0.15));
    }
}

TEST_CASE(
    "attention backward on Hopper multiplies by wgmma alone, seven products per pair of tiles, without bank "
    "conflicts") {
    const WithCapability hopper(90);
    for (const int D : {64, 128}) {
        DeviceTensors m;
        const AttentionCase a = {.D = D};
        const AttentionBackward args = a.backward(m);
        const auto launches = counted([&](const Ops& ops) { ops.attention_backward(args, {}); }, 0);
        INFO("D = " << D << "\n" << excess(launches));
        REQUIRE(bank_conflicts(launches) == 0);
        REQUIRE(sector_ratio(launches) <= 1.05);
        REQUIRE(sum_of(launches, &LaunchCounts::mma_flops) == 0);
        // 3 and 4 products of 2·D per score of the tiles that the mask leaves: of dQ 64 by 128 with D = 64, else 64 by 64.
        const double square = double(a.B * a.H) * 256 * 256, left = square * 10 / 16,
                     of_d_q = D == 64 ? square * 12 / 16 : left;
        REQUIRE(sum_of(launches, &LaunchCounts::wgmma_flops) == Approx(2.0 * D * (3 * of_d_q + 4 * left)));
        REQUIRE(sum_of(launches, &LaunchCounts::special) == Approx(of_d_q + left));  // one exponential per score
    }
}

TEST_CASE("attention forward on Hopper takes every score function, without bank conflicts") {
    const WithCapability hopper(90);
    DeviceTensors m;
    const AttentionCase a = {.D = 128};
    AttentionForward args = a.forward(m, DType::bf16);
    const auto alibi = Alibi{m.of(DType::f32, {a.H})};
    const auto relative = RelativeBias{m.of(DType::f32, {a.H, 2 * 64 + 1})};
    for (const AttentionScore& score : {AttentionScore(SoftCap{30}), AttentionScore(alibi), AttentionScore(relative)}) {
        args.score = score;
        const auto launches = counted([&](const Ops& ops) { ops.attention_forward(args, {}); }, 0);
        INFO(excess(launches));
        REQUIRE(sum_of(launches, &LaunchCounts::mma_flops) == 0);
        REQUIRE(sum_of(launches, &LaunchCounts::wgmma_flops) > 0);
        REQUIRE(bank_conflicts(launches) == 0);
        REQUIRE(sector_ratio(launches) <= 1.05);
    }
}

TEST_CASE("the own matmul on tensor cores has no bank conflicts in any layout") {
    const MatmulKernel before = kernel_choices().matmul;
    kernel_choices().matmul = MatmulKernel::own;
    DeviceTensors m;
    const DType t = DType::bf16;
    const int64_t rows = 256, in = 256, out = 512;
    const Tensor x = m.of(t, {rows, in}), y = m.of(t, {rows, out}), w = m.of(t, {out, in});
    const auto check = [&](const char* name, const std::vector<LaunchCounts>& launches) {
        INFO(name << "\n" << excess(launches));
        REQUIRE(bank_conflicts(launches) == 0);
        REQUIRE(sector_ratio(launches) <= 1.05);
        REQUIRE(sum_of(launches, &LaunchCounts::mma_flops) == Approx(2.0 * rows * in * out));
    };
    check("forward", counted([&](const Ops& ops) { ops.linear_forward({.y = y, .x = x, .w = w}, {}); }, 0));
    check("d_x", counted([&](const Ops& ops) { ops.linear_backward_input({.d_x = x, .d_y = y, .w = w}, {}); }, 0));
    check("d_w", counted(
                     [&](const Ops& ops) {
                         ops.linear_backward_weight({.d_w = m.of(DType::f32, {out, in}), .d_y = y, .x = x}, {});
                     },
                     0));
    kernel_choices().matmul = before;
}

TEST_CASE("the own matmul on warpgroups has no bank conflicts, whole sectors and no wgmma too many, in any layout") {
    const simt::Settings before = simt::settings();
    simt::Settings hopper = before;
    hopper.capability = 90;
    simt::use(hopper);
    const MatmulKernel chosen = kernel_choices().matmul;
    kernel_choices().matmul = MatmulKernel::own;
    DeviceTensors m;
    const auto of = [&](int64_t rows, int64_t columns) { return m.of(DType::bf16, {rows, columns}); };
    // M, N and K; the columns of a wgmma: tiles of 128 by 128, and of 128 by 256, of which there are 68.
    struct Size {
        int64_t M, N, K, columns;
    };
    for (const auto& [M, N, K, columns] : {Size{256, 512, 256, 128}, Size{2176, 1024, 128, 256}}) {
        const auto check = [&, M = M, N = N, K = K, columns = columns](const char* name, auto run) {
            const auto launches = counted(run, 0);
            INFO(name << " " << M << " x " << N << " x " << K << "\n" << excess(launches));
            REQUIRE(bank_conflicts(launches) == 0);
            REQUIRE(sector_ratio(launches) == 1);
            REQUIRE(sum_of(launches, &LaunchCounts::wgmma) == double(M / 64 * (N / columns) * (K / 16)));
            REQUIRE(sum_of(launches, &LaunchCounts::wgmma_flops) == 2.0 * double(M * N * K));
            REQUIRE(sum_of(launches, &LaunchCounts::mma) == 0);
        };
        const Tensor c = of(M, N);
        check("forward", [&, M = M, N = N, K = K](const Ops& ops) {
            ops.linear_forward({.y = c, .x = of(M, K), .w = of(N, K)}, {});
        });
        check("d_x", [&, M = M, N = N, K = K](const Ops& ops) {
            ops.linear_backward_input({.d_x = c, .d_y = of(M, K), .w = of(K, N)}, {});
        });
        check("d_w", [&, M = M, N = N, K = K](const Ops& ops) {
            ops.linear_backward_weight({.d_w = m.of(DType::f32, {M, N}), .d_y = of(K, M), .x = of(K, N)}, {});
        });
    }
    kernel_choices().matmul = chosen;
    simt::use(before);
}
