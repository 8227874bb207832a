// The CPU's loss and optimizer, and the memory of its table.
#include "kernels/cpu/parallel.h"
#include "tests/kernels/cpu_compare.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Objective {
    double smoothing, z_loss;
};
const std::vector<Objective> objectives = {{0, 0}, {0.1, 0.01}};

// Some below zero, which is ignored; some in the part of the vocabulary that these logits are of, some outside it.
Owned targets_of(int64_t N, int64_t V) { return integers(9, {N}, -1, int(V)); }

struct Logits {
    int64_t N, Vr, first, V;
};
const std::vector<Logits> logits = {{1, 1, 0, 1}, {3, 7, 0, 7}, {5, 33, 20, 80}, {9, 5000, 0, 5000}, {40, 257, 0, 257}};

}  // namespace

TEST_CASE("the CPU's statistics of logits are as exact as the naive formula, large logits included") {
    for (const Logits& l : logits)
        for (double spread : {1.0, 200.0})
            compare("cross_entropy_stats", [=](const Side& s) {
                const Owned z = s.in(1, {l.N, l.Vr}, spread), targets = targets_of(l.N, l.V),
                            stats = s.statistic({l.N, 4});
                s.ops.cross_entropy_stats({.stats = stats, .logits = z, .targets = targets, .first_class = l.first},
                                          {});
                Outputs each;  // one by one: a sum is a thousand times as large as the others
                for (int64_t k = 0; k < 4; ++k) {
                    each.push_back(s.statistic({l.N}));
                    for (int64_t n = 0; n < l.N; ++n) put(each.back(), n, at(stats, n * 4 + k));
                }
                return each;
            });
}

TEST_CASE("logits of minus infinity count as nothing on the CPU, wherever they stand") {
    for (int64_t V : {int64_t(5), int64_t(5000)})
        for (int64_t from : {int64_t(0), V / 2}) {
            const Owned z = random(1, DType::f32, {1, V}), targets = integers(1, {1}, 0, 1),
                        stats = poisoned(DType::f32, {1, 4});
            double total = 0, top = -INFINITY;
            for (int64_t v = 0; v < V; ++v) {
                if (v >= from && v < from + V / 2) put(z, v, -INFINITY);
                else top = std::max(top, at(z, v));
            }
            for (int64_t v = 0; v < V; ++v) total += std::exp(at(z, v) - top);
            cpu_ops().cross_entropy_stats({.stats = stats, .logits = z, .targets = targets}, {});
            REQUIRE(at(stats, 0) == top);
            REQUIRE(std::abs(at(stats, 1) - total) <= 1e-5 * total);
        }
}

TEST_CASE("a logit that is NaN makes the CPU's loss NaN: a broken step is seen") {
    const Owned z = random(1, DType::f32, {1, 3000}), targets = integers(1, {1}, 0, 1),
                stats = poisoned(DType::f32, {1, 4});
    const Owned loss = filled(DType::f32, {1}, 0), lse = filled(DType::f32, {1}, 0);
    put(z, 2500, NAN);
    cpu_ops().cross_entropy_stats({.stats = stats, .logits = z, .targets = targets}, {});
    cpu_ops().cross_entropy_forward({.loss = loss, .lse = lse, .stats = stats, .targets = targets, .V = 3000}, {});
    REQUIRE(std::isnan(at(loss, 0)));
}

TEST_CASE("the CPU's losses are as exact as the naive formula") {
    for (const Objective& o : objectives)
        for (int64_t N : {1, 7, 1500})
            compare("cross_entropy_forward", [=](const Side& s) {
                const Owned stats = s.give(random(1, DType::f32, {N, 4}, 0.3, 3), s.accumulator()),
                            targets = targets_of(N, 90);
                const Owned loss = s.statistic({N}), lse = s.statistic({N});
                s.ops.cross_entropy_forward({.loss = loss,
                                             .lse = lse,
                                             .stats = stats,
                                             .targets = targets,
                                             .V = 90,
                                             .smoothing = o.smoothing,
                                             .z_loss = o.z_loss},
                                            {});
                return outputs(copy_of(loss), copy_of(lse));
            });
}

TEST_CASE("the CPU's gradients of logits are as exact as the naive formula, and stand where the logits stood") {
    for (const Logits& l : logits)
        for (const Objective& o : objectives)
            compare("cross_entropy_backward", [=](const Side& s) {
                const Owned z = s.in(1, {l.N, l.Vr}), lse = s.sum(2, {l.N}, 0.5, 4), targets = targets_of(l.N, l.V);
                s.ops.cross_entropy_backward({.logits = z,
                                              .lse = lse,
                                              .targets = targets,
                                              .V = l.V,
                                              .first_class = l.first,
                                              .scale = 0.7,
                                              .smoothing = o.smoothing,
                                              .z_loss = o.z_loss},
                                             {});
                return outputs(copy_of(z));
            });
}

TEST_CASE("the CPU's sum of squares is the sum in double, in one order for any number of threads") {
    for (int64_t n : {int64_t(1), int64_t(7), int64_t(100), int64_t(200003)})
        for (DType dtype : {DType::f32, DType::bf16}) {
            const Owned x = random(1, dtype, {n});
            const auto sum = [&](const Ops& ops, const Tensor& of) {
                const Owned total = filled(DType::f64, {1}, 3), parts(DType::f64, {square_sum_parts});
                ops.square_sum({.total = total, .parts = parts, .x = of}, {});
                return at(total, 0);
            };
            const double want = sum(reference_ops(), converted(x, DType::f64)), got = sum(cpu_ops(), x);
            REQUIRE(std::abs(got - want) <= 1e-12 * want);
            for (int threads : {1, 2, 3}) {
                const Threads use(threads);
                REQUIRE(sum(cpu_ops(), x) == got);
            }
        }
}

TEST_CASE("the CPU clips as the reference does") {
    for (double total : {0.0, 0.25, 4.0, double(INFINITY)})
        for (double most : {0.0, 1.0}) {
            const Owned sum = filled(DType::f64, {1}, total), mine = poisoned(DType::f64, {1}),
                        want = poisoned(DType::f64, {1});
            cpu_ops().clip_scale({.scale = mine, .total = sum, .max_norm = most}, {});
            reference_ops().clip_scale({.scale = want, .total = sum, .max_norm = most}, {});
            REQUIRE(same_bits(mine, want));
        }
}

TEST_CASE("the CPU's AdamW is as exact as the naive formula, with and without a copy in bf16") {
    for (int64_t n : {int64_t(1), int64_t(9), int64_t(40001)})
        for (bool copied : {false, true})
            for (int64_t step : {int64_t(1), int64_t(1000)})
                compare("adamw",
                        [=](const Side& s) {
                            const Owned master = s.sum(1, {n}), m = s.sum(2, {n}, 0.1), v = s.sum(3, {n}, 1e-3, 0.02),
                                        grad = s.sum(4, {n});
                            const Owned param = poisoned(DType::bf16, {n}), scale = s.total(0.5);
                            s.ops.adamw({.master = master,
                                         .m = m,
                                         .v = v,
                                         .param = copied ? Opt(param) : Opt(),
                                         .grad = grad,
                                         .scale = copied ? Opt(scale) : Opt(),
                                         .lr = 1e-2,
                                         .beta1 = 0.9,
                                         .beta2 = 0.95,
                                         .eps = 1e-8,
                                         .decay = 0.1,
                                         .step = step},
                                        {});
                            if (copied) return outputs(copy_of(master), copy_of(m), copy_of(v), copy_of(param));
                            return outputs(copy_of(master), copy_of(m), copy_of(v));
                        },
                        {DType::f32});
}

TEST_CASE("the CPU rounds by the same chance as the reference, and any split of a range gives the same") {
    const int64_t n = 40001, cut = 16411;
    const auto run = [&](const Ops& ops, std::vector<std::pair<int64_t, int64_t>> parts) {
        const Owned master = random(1, DType::f32, {n}), m = filled(DType::f32, {n}, 0), v = filled(DType::f32, {n}, 1),
                    grad = filled(DType::f32, {n}, 0);
        const Owned param = poisoned(DType::bf16, {n});
        put(master, 5, INFINITY);
        put(master, 6, NAN);
        for (const auto& [first, count] : parts) {
            const auto part = [&, f = first, c = count](const Tensor& t) {
                return t.view({n, 1}).slice(f, c).view({c});
            };
            ops.adamw({.master = part(master),
                       .m = part(m),
                       .v = part(v),
                       .param = part(param),
                       .grad = part(grad),
                       .lr = 0,
                       .beta1 = 0.9,
                       .beta2 = 0.95,
                       .eps = 1e-8,
                       .decay = 0,
                       .step = 1,
                       .rounding_key = 99,
                       .first = first + (int64_t(1) << 32) - 1000},
                      {});
        }
        return copy_of(param);
    };
    const Owned want = run(reference_ops(), {{0, n}});
    REQUIRE(same_bits(run(cpu_ops(), {{0, n}}), want));
    REQUIRE(same_bits(run(cpu_ops(), {{0, cut}, {cut, n - cut}}), want));
}

TEST_CASE("the CPU's Muon is as exact as the naive formula") {
    for (const auto& [R, I] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {5, 9}, {33, 20}, {40, 120}, {130, 70}})
        compare("muon",
                [R = R, I = I](const Side& s) {
                    const Owned master = s.sum(1, {R, I}), m = s.sum(2, {R, I}), grad = s.sum(3, {R, I}),
                                workspace = s.statistic({muon_workspace(R, I)});
                    const Owned scale = s.total(0.25), param = poisoned(DType::bf16, {R, I});
                    const MuonMatrix one = {.master = master, .m = m, .param = param, .grad = grad};
                    s.ops.muon({.matrices = {&one, 1},
                                .scale = scale,
                                .workspace = workspace,
                                .lr = 0.02,
                                .beta = 0.95,
                                .decay = 0.1},
                               {});
                    return outputs(copy_of(master), copy_of(m), copy_of(param));
                },
                {DType::f32});
}

TEST_CASE("the CPU's Muon gives a list the bits of its matrices one by one, whoever computes them") {
    const std::vector<Shape> shapes = {{20, 33}, {400, 400}, {96, 256}, {256, 96}};  // one is worth all threads
    auto run = [&](bool together, int threads) {
        const int before = omp_get_max_threads();
        omp_set_num_threads(threads);
        std::vector<Owned> masters, ms, grads;
        std::vector<MuonMatrix> list;
        for (size_t i = 0; i < shapes.size(); ++i) {
            masters.push_back(random(3 * i, DType::f32, shapes[i]));
            ms.push_back(random(3 * i + 1, DType::f32, shapes[i]));
            grads.push_back(random(3 * i + 2, DType::f32, shapes[i]));
            list.push_back({.master = masters.back(), .m = ms.back(), .grad = grads.back()});
        }
        const std::span<const MuonMatrix> all = list;
        for (size_t i = 0; i < list.size(); i += together ? list.size() : 1) {
            const auto some = all.subspan(i, together ? list.size() : 1);
            const Owned workspace = poisoned(DType::f32, {muon_workspace(some)});
            cpu_ops().muon({.matrices = some, .workspace = workspace, .lr = 0.02, .beta = 0.95, .decay = 0.1}, {});
        }
        omp_set_num_threads(before);
        return masters;
    };
    const std::vector<Owned> want = run(false, 1);
    for (bool together : {false, true})
        for (int threads : {1, 2, 3}) {
            const std::vector<Owned> got = run(together, threads);
            for (size_t i = 0; i < want.size(); ++i) REQUIRE(same_bits(got[i], want[i]));
        }
}

TEST_CASE("what goes wrong on one of several threads reaches the caller") {
    const Threads use(3);
    const auto fail_at = [](int64_t bad) {
        return [bad](int64_t first, int64_t last) {
            if (first <= bad && bad < last) throw Error("no memory", "there", "here");
        };
    };
    for (int64_t bad : {0, 50, 99}) {
        REQUIRE_THROWS_AS(cpu::parallel(100, 1, fail_at(bad)), Error);
        REQUIRE_THROWS_AS(cpu::parallel_items(100, 1, [&](int64_t i, int) { fail_at(bad)(i, i + 1); }), Error);
    }
}

TEST_CASE("the CPU's optimizers and losses refuse numbers of 64 bits, which they would misread") {
    const Owned a = filled(DType::f64, {2, 2}, 1), b = copy_of(a), c = copy_of(a), grad = copy_of(a),
                workspace = poisoned(DType::f64, {muon_workspace(2, 2)});
    const MuonMatrix one = {.master = a, .m = b, .grad = grad};
    REQUIRE_THROWS_AS(
        cpu_ops().muon({.matrices = {&one, 1}, .workspace = workspace, .lr = 1, .beta = 0.9, .decay = 0}, {}),
        BrokenPromise);
    auto flat = [](const Tensor& t) { return t.view({4}); };
    REQUIRE_THROWS_AS(cpu_ops().adamw({.master = flat(a),
                                       .m = flat(b),
                                       .v = flat(c),
                                       .grad = flat(grad),
                                       .lr = 1,
                                       .beta1 = 0.9,
                                       .beta2 = 0.9,
                                       .eps = 1e-8,
                                       .decay = 0,
                                       .step = 1},
                                      {}),
                      BrokenPromise);
}

TEST_CASE("the CPU table leaves out no op") {
    void* entries[sizeof(Ops) / sizeof(void*)];
    std::memcpy(entries, &cpu_ops(), sizeof entries);
    for (void* entry : entries) REQUIRE(entry != nullptr);
    REQUIRE(std::string(cpu_ops().name) == "cpu");
}

TEST_CASE("memory of the CPU table is aligned, takes zeros and copies, small and in huge pages") {
    const Ops& ops = cpu_ops();
    for (size_t bytes : {size_t(0), size_t(1), size_t(1000), size_t(5) << 20}) {
        void* memory = ops.allocate(bytes);
        REQUIRE(reinterpret_cast<uintptr_t>(memory) % (bytes > size_t(4) << 20 ? size_t(2) << 20 : 64) == 0);
        std::vector<char> out(bytes, 'o'), in(bytes, 'i');
        ops.copy_to_device(memory, out.data(), bytes, {});
        ops.copy_to_host(in.data(), memory, bytes, {});
        REQUIRE(in == out);
        ops.zero(memory, bytes, {});
        ops.copy_to_host(in.data(), memory, bytes, {});
        REQUIRE(in == std::vector<char>(bytes, 0));
        ops.synchronise({});
        ops.release(memory, bytes);
    }
}

TEST_CASE("memory that the machine does not have is an Error that names the bytes and what to lower") {
    for (size_t bytes : {size_t(1) << 60, ~size_t(0)}) {
        try {
            cpu_ops().allocate(bytes);
            FAIL("was given memory that nobody has");
        } catch (const Error& e) {
            REQUIRE_THAT(e.what(), Catch::Contains(std::to_string(bytes) + " bytes"));
            REQUIRE_THAT(e.fix, Catch::Contains("batch"));
        }
    }
}

TEST_CASE("ops without rows do nothing on the CPU") {
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    const Owned x = s.in(1, {0, 3}), y = s.out({0, 5}), w = s.in(2, {5, 3}), d_w = s.sum(3, {5, 3}),
                d_b = s.sum(4, {5}), none = s.out({0}), z = s.out({0, 3});
    const Owned gain = s.in(5, {3}), d_gain = s.sum(6, {3}), kept = copy_of(d_w), kept_gain = copy_of(d_gain),
                ids = integers(1, {0}, 0, 1);
    s.ops.linear_forward({.y = y, .x = x, .w = w}, {});
    s.ops.linear_backward_input({.d_x = z, .d_y = y, .w = w}, {});
    s.ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = y, .x = x}, {});
    s.ops.layernorm_forward({.y = z, .mean = none, .rstd = none, .x = x, .gain = gain}, {});
    s.ops.layernorm_backward({.d_x = z, .d_gain = d_gain, .d_y = x, .x = x, .gain = gain, .mean = none, .rstd = none},
                             {});
    s.ops.embedding_backward({.d_wte = d_w, .d_y = x, .tokens = ids}, {});
    s.ops.activation_forward({.y = z, .x = x, .kind = Activation::relu}, {});
    REQUIRE(same_bits(d_w, kept));
    REQUIRE(same_bits(d_gain, kept_gain));
}
