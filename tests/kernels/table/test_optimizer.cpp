// The gradient's norm, clipping, AdamW and Muon of any backend against the reference.
#include "kernels/muon.h"
#include "kernels/optimizer.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

int many(int n) { return tested().slow ? n / 40 : n; }

std::vector<std::pair<int64_t, int64_t>> muon_shapes() {
    // A square matrix detects a multiplication from the wrong side: p(X·Xᵀ)·X and X·p(X·Xᵀ) have the same shape.
    if (tested().slow) return {{1, 1}, {5, 9}, {33, 20}, {12, 12}};
    return {{1, 1}, {5, 9}, {33, 20}, {40, 120}, {130, 70}, {12, 12}, {64, 64}, {97, 97}};
}

}  // namespace

TEST_CASE("the sum of squares is in double, and always in the same order") {
    for (int64_t n : {1, 7, 100, 4096, many(200003)})
        for (DType dtype : {DType::f32, DType::bf16}) {
            const Owned x = random(1, dtype, {n});
            const auto sum = [&](const Ops& ops, const Tensor& of) {
                const Owned total = filled(DType::f64, {1}, 3), parts(DType::f64, {square_sum_parts});
                ops.square_sum({.total = total, .parts = parts, .x = of}, {});
                return at(total, 0);
            };
            const double want = sum(reference_ops(), converted(x, DType::f64)), got = sum(tested().ops, x);
            REQUIRE(std::abs(got - want) <= 1e-12 * want);
            for (const Configuration& configuration : tested().configurations) {
                const InConfiguration now(configuration);
                INFO(configuration.name);
                REQUIRE(sum(tested().ops, x) == got);
            }
        }
}

TEST_CASE("a backend clips as the reference does") {
    for (double total : {0.0, 0.25, 4.0, double(INFINITY)})
        for (double most : {0.0, 1.0}) {
            const Owned sum = filled(DType::f64, {1}, total), mine = poisoned(DType::f64, {1}),
                        want = poisoned(DType::f64, {1});
            tested().ops.clip_scale({.scale = mine, .total = sum, .max_norm = most}, {});
            reference_ops().clip_scale({.scale = want, .total = sum, .max_norm = most}, {});
            REQUIRE(same_bits(mine, want));
        }
}

TEST_CASE("AdamW is as exact as the naive formula, with and without a copy in bf16") {
    for (int64_t n : {1, 9, many(40001)})
        for (bool copied : {false, true})
            for (int64_t step : {int64_t(1), int64_t(1000)})
                compare("adamw",
                        [=](const Side& s) {
                            const Owned master = s.sum(1, {n}), m = s.sum(2, {n}, 0.1), v = s.sum(3, {n}, 1e-3, 0.02),
                                        grad = s.sum(4, {n});
                            const Owned param = poisoned(DType::bf16, {n}), scale = s.total(0.5);
                            const StepValues values = step_values(1e-2, 0.9, 0.95, step);
                            s.ops.adamw({.master = master,
                                         .m = m,
                                         .v = v,
                                         .param = copied ? Opt(param) : Opt(),
                                         .grad = grad,
                                         .scale = copied ? Opt(scale) : Opt(),
                                         .step_values = &values,
                                         .beta1 = 0.9,
                                         .beta2 = 0.95,
                                         .eps = 1e-8,
                                         .decay = 0.1},
                                        {});
                            if (copied) return outputs(copy_of(master), copy_of(m), copy_of(v), copy_of(param));
                            return outputs(copy_of(master), copy_of(m), copy_of(v));
                        },
                        {DType::f32});
}

TEST_CASE("AdamW updates the ranges of an arena in one call, and no other element") {
    // More ranges than one launch takes, with gaps between them: of whole vectors, or beginning and ending anywhere.
    const int64_t unit = 4, count = tested().slow ? 66 : 90;
    for (bool vectors : {true, false})
        compare(vectors ? "adamw of vectors" : "adamw of any ranges",
                [=](const Side& s) {
                    std::vector<AdamWRange> ranges;
                    int64_t in_arena = 0, in_m = 0, in_v = 0;
                    for (int64_t k = 0; k < count; ++k) {
                        const int64_t n = vectors ? unit * (1 + k % 3 * 5) : k % 7, large = k == 40 ? 1100 * unit : 0;
                        in_arena += vectors ? unit : k % 2;
                        ranges.push_back({n + large, in_arena, in_m, in_v, in_arena, k % 3 > 0});
                        in_arena += n + large;
                        in_m += n + large + (k % 5 ? 0 : unit);
                        in_v += n + large;
                    }
                    const Owned master = s.sum(1, {in_arena}), m = s.sum(2, {in_m}, 0.1),
                                v = s.sum(3, {in_v}, 1e-3, 0.02), grad = s.sum(4, {in_arena}),
                                param = filled(DType::bf16, {in_arena}, 7);
                    const StepValues values = step_values(1e-2, 0.9, 0.95, 3);
                    s.ops.adamw({.master = master,
                                 .m = m,
                                 .v = v,
                                 .param = param,
                                 .grad = grad,
                                 .step_values = &values,
                                 .beta1 = 0.9,
                                 .beta2 = 0.95,
                                 .eps = 1e-8,
                                 .decay = 0.1,
                                 .ranges = ranges},
                                {});
                    return outputs(copy_of(master), copy_of(m), copy_of(v), copy_of(param));
                },
                {DType::f32});
}

TEST_CASE("the moving average of a backend is as exact as the naive formula") {
    for (int64_t n : {1, 9, many(40001)})
        for (double rate : {0.0, 0.008, 1.0})
            compare("average",
                    [=](const Side& s) {
                        const Owned average = s.sum(1, {n}), x = s.sum(2, {n});
                        s.ops.average({.average = average, .x = x, .rate = rate}, {});
                        return outputs(copy_of(average));
                    },
                    {DType::f32});
}

// The weights in bf16 after calls without a step, so that only the rounding changes them: a call for each of the lists of [first, end).
using Span = std::pair<int64_t, int64_t>;
Owned rounded(const Ops& ops, int64_t n, const std::vector<std::vector<Span>>& calls) {
    const Owned master = random(1, DType::f32, {n}), m = filled(DType::f32, {n}, 0), v = filled(DType::f32, {n}, 1),
                grad = filled(DType::f32, {n}, 0), param = poisoned(DType::bf16, {n});
    put(master, 5, INFINITY);
    put(master, 6, NAN);
    const StepValues values = step_values(0, 0.9, 0.95, 1, 99);
    for (const std::vector<Span>& spans : calls) {
        std::vector<AdamWRange> ranges;  // of the call's own part
        const auto [low, high] = Span(spans.front().first, spans.back().second);
        for (const auto& [first, end] : spans)
            ranges.push_back({end - first, first - low, first - low, first - low, first - low, false});
        const auto part = [low = low, high = high](const Tensor& t) {
            return t.view({t.size(), 1}).slice(low, high - low).view({high - low});
        };
        ops.adamw({.master = part(master),
                   .m = part(m),
                   .v = part(v),
                   .param = part(param),
                   .grad = part(grad),
                   .step_values = &values,
                   .beta1 = 0.9,
                   .beta2 = 0.95,
                   .eps = 1e-8,
                   .decay = 0,
                   .first = low + (int64_t(1) << 32) - 1000,
                   .ranges = ranges},
                  {});
    }
    return copy_of(param);
}

TEST_CASE("a backend's stochastic rounding equals the reference's, for any split into calls") {
    const int64_t n = many(40001), cut = n * 2 / 5 + 1, of_four = cut / 4 * 4;
    const Owned want = rounded(reference_ops(), n, {{{0, n}}});
    REQUIRE(same_bits(rounded(tested().ops, n, {{{0, n}}}), want));
    REQUIRE(same_bits(rounded(tested().ops, n, {{{0, cut}}, {{cut, n}}}), want));
    REQUIRE(same_bits(rounded(tested().ops, n, {{{0, of_four}}, {{of_four, of_four + 8}}, {{of_four + 8, n}}}), want));
}

TEST_CASE("ranges of one call are rounded as their positions in the arena say, whatever range they are in") {
    const int64_t n = 3001;
    const Owned want = rounded(reference_ops(), n, {{{0, n}}});
    for (const int64_t cut : {8, 1024, 1999})
        REQUIRE(same_bits(rounded(tested().ops, n, {{{0, cut}, {cut, n}}}), want));
}

TEST_CASE("with a zero gradient AdamW and Muon only decay the weights") {
    const Shape flat = {6}, matrix = {2, 3};
    for (bool muon : {false, true}) {
        const Shape& shape = muon ? matrix : flat;
        const Owned master = filled(DType::f32, shape, 1), m = filled(DType::f32, shape, 0),
                    v = filled(DType::f32, shape, 0), grad = filled(DType::f32, shape, 0),
                    workspace = poisoned(DType::f32, {muon_workspace(2, 3)});
        const MuonMatrix one = {.master = master, .m = m, .grad = grad};
        const StepValues values = step_values(0.5, 0.9, 0.95, 1);
        if (muon)
            tested().ops.muon(
                {.matrices = {&one, 1}, .workspace = workspace, .step_values = &values, .beta = 0.95, .decay = 0.5},
                {});
        else
            tested().ops.adamw({.master = master,
                                .m = m,
                                .v = v,
                                .grad = grad,
                                .step_values = &values,
                                .beta1 = 0.9,
                                .beta2 = 0.95,
                                .eps = 1e-8,
                                .decay = 0.5},
                               {});
        for (int64_t i = 0; i < 6; ++i) REQUIRE(at(master, i) == 0.75);
    }
}

TEST_CASE("Muon is as exact as the naive formula") {
    for (const auto& [R, I] : muon_shapes())
        compare("muon",
                [R = R, I = I](const Side& s) {
                    const Owned master = s.sum(1, {R, I}), m = s.sum(2, {R, I}), grad = s.sum(3, {R, I}),
                                workspace = s.statistic({muon_workspace(R, I)});
                    const Owned scale = s.total(0.25), param = poisoned(DType::bf16, {R, I});
                    const MuonMatrix one = {.master = master, .m = m, .param = param, .grad = grad};
                    const StepValues values = step_values(0.02);
                    s.ops.muon({.matrices = {&one, 1},
                                .scale = scale,
                                .workspace = workspace,
                                .step_values = &values,
                                .beta = 0.95,
                                .decay = 0.1},
                               {});
                    return outputs(copy_of(master), copy_of(m), copy_of(param));
                },
                {DType::f32});
}

TEST_CASE("Muon in bf16 is as exact as the naive formula with the same roundings") {
    for (const auto& [R, I] : muon_shapes())
        compare("muon in bf16",
                [R = R, I = I](const Side& s) {
                    const Owned master = s.sum(1, {R, I}), m = s.sum(2, {R, I}), grad = s.sum(3, {R, I}),
                                workspace = poisoned(DType::bf16, {muon_workspace(R, I)});
                    const Owned scale = s.total(0.25);
                    const MuonMatrix one = {.master = master, .m = m, .grad = grad};
                    const StepValues values = step_values(0.02);
                    s.ops.muon({.matrices = {&one, 1},
                                .scale = scale,
                                .workspace = workspace,
                                .step_values = &values,
                                .beta = 0.95,
                                .decay = 0.1},
                               {});
                    return outputs(copy_of(master), copy_of(m));
                },
                {DType::f32});
}

TEST_CASE("the update of Muon in bf16 has nearly the direction and the size of that in f32") {
    for (const auto& [R, I] : muon_shapes()) {
        const Owned grad = random(3, DType::f32, {R, I});
        const auto update = [&, R = R, I = I](DType t) {
            Owned master = filled(DType::f32, {R, I}, 0);
            const Owned m = filled(DType::f32, {R, I}, 0), workspace = poisoned(t, {muon_workspace(R, I)});
            const MuonMatrix one = {.master = master, .m = m, .grad = grad};
            const StepValues values = step_values(1);
            tested().ops.muon(
                {.matrices = {&one, 1}, .workspace = workspace, .step_values = &values, .beta = 0.95, .decay = 0}, {});
            return master;
        };
        const Owned exact = update(DType::f32), half = update(DType::bf16);
        double product = 0, of_exact = 0, of_half = 0;
        for (int64_t i = 0; i < exact.size(); ++i) {
            product += at(exact, i) * at(half, i);
            of_exact += at(exact, i) * at(exact, i);
            of_half += at(half, i) * at(half, i);
        }
        INFO(R << " by " << I << ": cosine " << product / std::sqrt(of_exact * of_half) << ", ratio of norms "
               << std::sqrt(of_half / of_exact));
        REQUIRE(product >= 0.998 * std::sqrt(of_exact * of_half));
        REQUIRE(std::abs(std::sqrt(of_half / of_exact) - 1) <= 0.05);
    }
}

TEST_CASE("Muon gives a list of matrices the same bits as one by one, with or without scale and bf16 copy") {
    const std::vector<Shape> shapes = {{20, 33}, {17, 5}, {1, 40}};
    const auto run = [&](bool together, bool whole) {
        Outputs all;
        std::vector<MuonMatrix> list;
        for (size_t i = 0; i < shapes.size(); ++i)
            for (int k = 0; k < 4; ++k)
                all.push_back(k < 3 ? random(3 * i + size_t(k), DType::f32, shapes[i])
                                    : poisoned(DType::bf16, shapes[i]));
        for (size_t i = 0; i < all.size(); i += 4)
            list.push_back({.master = all[i], .m = all[i + 1], .param = when(whole, all[i + 3]), .grad = all[i + 2]});
        const std::span<const MuonMatrix> matrices = list;
        const Owned scale = filled(DType::f64, {1}, 0.25);
        for (size_t i = 0; i < list.size(); i += together ? list.size() : 1) {
            const auto some = matrices.subspan(i, together ? list.size() : 1);
            const Owned workspace = poisoned(DType::f32, {muon_workspace(some)});
            const StepValues values = step_values(0.02);
            tested().ops.muon({.matrices = some,
                               .scale = when(whole, scale),
                               .workspace = workspace,
                               .step_values = &values,
                               .beta = 0.95,
                               .decay = 0.1},
                              {});
        }
        return all;
    };
    for (bool whole : {false, true}) {
        const Outputs want = run(false, whole);
        REQUIRE_FALSE(same_bits(want[0], random(0, DType::f32, shapes[0])));
        for (const Configuration& configuration : tested().configurations) {
            const InConfiguration now(configuration);
            INFO(configuration.name);
            REQUIRE(all_same_bits(run(true, whole), want));
        }
    }
}
