#include "tests/kernels/check/argument_checks.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::argument_checks;

namespace {

const StepValues values = step_values(1e-3, 0.9, 0.95);

AdamW adamw(TensorPool& k) {
    return {.master = k.f({N}),
            .m = k.f({N}),
            .v = k.f({N}),
            .param = k.give(DType::bf16, {N}),
            .grad = k.f({N}),
            .scale = k.d({1}),
            .step_values = &values,
            .beta1 = 0.9,
            .beta2 = 0.95,
            .eps = 1e-8,
            .decay = 0.1};
}

}  // namespace

TEST_CASE("the checks of the optimizer's ops name every invalid argument") {
    TensorPool k;
    using Sq = SquareSum;
    const Sq s = {.total = k.d({1}), .parts = k.d({square_sum_parts}), .x = k.f({N})};
    rejects_every_field(s, "square_sum", {FIELD(Sq, total), FIELD(Sq, parts)});
    rejects<Sq>(
        s, [](Sq& a) { a.x.dtype = DType::i32; }, "x is i32");
    using Cl = ClipScale;
    const Cl c = {.scale = k.d({1}), .total = k.d({1}), .max_norm = 1};
    rejects_every_field(c, "clip_scale", {FIELD(Cl, scale), FIELD(Cl, total)});
    rejects<Cl>(
        c, [](Cl& a) { a.max_norm = NAN; }, "max_norm is nan");

    using Av = Average;
    const Av v = {.average = k.f({N}), .x = k.f({N}), .rate = 0.1};
    rejects_every_field(v, "average", {FIELD(Av, average), FIELD(Av, x)});
    for (double rate : {-0.1, 1.1, double(NAN)})
        rejects<Av>(
            v, [rate](Av& a) { a.rate = rate; }, "must be in [0, 1]");
    rejects<Av>(
        v, [](Av& a) { a.x = a.average; }, "average must not alias x");

    using A = AdamW;
    const A a = adamw(k);
    rejects_every_field(
        a, "adamw",
        {FIELD(A, master), FIELD(A, m), FIELD(A, v), OPTIONAL(A, param), FIELD(A, grad), OPTIONAL(A, scale)});
    rejects<A>(
        a, [](A& x) { x.master.dtype = DType::bf16; }, "master is bf16, must be f32 or f64");
    rejects<A>(
        a, [](A& x) { x.step_values = nullptr; }, "adamw: step_values is missing");
    rejects<A>(
        a, [](A& x) { x.beta1 = 1; }, "beta1 is 1, must be in [0, 1)");
    rejects<A>(
        a, [](A& x) { x.beta2 = -0.5; }, "beta2 is -0.5, must be in [0, 1)");
    rejects<A>(
        a, [](A& x) { x.first = -1; }, "first is -1, must be at least 0");
    rejects<A>(
        a, [](A& x) { x.m = x.v; }, "m must not alias v");
    rejects<A>(
        a, [](A& x) { x.grad = x.master; }, "master must not alias grad");
    static const AdamWRange beyond[] = {{N, 0, 0, 0, 1, true}},
                            twice[] = {{1, 0, 0, 0, 0, true}, {1, 0, 1, 1, 1, true}};
    rejects<A>(
        a, [](A& x) { x.ranges = beyond; }, "ranges has " + std::to_string(N) + " elements at 1 of grad");
    rejects<A>(
        a, [](A& x) { x.ranges = twice; }, "ranges has 1 elements at 0 of master");
}

TEST_CASE("invalid values of a step are rejected") {
    REQUIRE_NOTHROW(check(values));
    REQUIRE_NOTHROW(check(StepValues{}));
    rejects<StepValues>(
        values, [](StepValues& v) { v.lr = INFINITY; }, "lr is inf, must be at least 0");
    rejects<StepValues>(
        values, [](StepValues& v) { v.lr = -1; }, "lr is -1, must be at least 0");
    rejects<StepValues>(
        values, [](StepValues& v) { v.loss_scale = NAN; }, "loss_scale is nan");
    rejects<StepValues>(
        values, [](StepValues& v) { v.correction1 = bias_correction(0.9, 0); }, "correction1 is 0, must be in (0, 1]");
    rejects<StepValues>(
        values, [](StepValues& v) { v.correction2 = NAN; }, "correction2 is nan, must be in (0, 1]");
}

TEST_CASE("the checks of muon name every invalid argument") {
    TensorPool k;
    const MuonMatrix good = {
        .master = k.f({O, C}), .m = k.f({O, C}), .param = k.give(DType::bf16, {O, C}), .grad = k.f({O, C})};
    std::vector<MuonMatrix> list = {good, {.master = k.f({C, O}), .m = k.f({C, O}), .grad = k.f({C, O})}};
    using A = Muon;
    const A a = {.matrices = list,
                 .scale = k.d({1}),
                 .workspace = k.f({muon_workspace(O, C)}),
                 .step_values = &values,
                 .beta = 0.9,
                 .decay = 0.1};
    rejects_every_field(a, "muon", {OPTIONAL(A, scale), FIELD(A, workspace)});
    rejects<A>(
        a, [](A& x) { x.workspace.shape = {8}; },
        "workspace has shape [8], must have [muon_workspace(matrices)] = [2434]");
    rejects<A>(
        a, [](A& x) { x.beta = 1; }, "beta is 1, must be in [0, 1)");
    auto rejects_matrix = [&](auto&& change, const std::string& message) {
        list[0] = good;
        change(list[0]);
        rejects<A>(
            a, [](A&) {}, message);
        list[0] = good;
    };
    using M = MuonMatrix;
    rejects_matrix([&](M& x) { x.master = k.d({O, C}); }, "master");
    rejects_matrix([&](M& x) { x.m = k.f({C, O}); }, "m has shape");
    rejects_matrix([&](M& x) { x.param = k.f({O, C}); }, "param");
    rejects_matrix([&](M& x) { x.grad = k.f({O, O}); }, "grad has shape");
    rejects_matrix([](M& x) { x.m = x.master; }, "master must not alias m");
    rejects_matrix([](M& x) { x.grad = x.master; }, "master must not alias grad");
    rejects_matrix([](M& x) { x.master.shape = {}; }, "master has shape []");
    list.push_back(good);
    rejects<A>(
        a, [&](A& x) { x.matrices = list; }, "master must not alias another master");
}
