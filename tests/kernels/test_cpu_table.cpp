// Properties of the CPU backend only: threads, and its checks of values.
#include <omp.h>

#include "kernels/embedding.h"
#include "kernels/muon.h"
#include "kernels/optimizer.h"
#include "kernels/parallel.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/sampling.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the CPU backend has its name") { REQUIRE(std::string(cpu_ops().name) == "cpu"); }

TEST_CASE(
    "the CPU's Muon gives a list of matrices the same bits as one by one, for one thread or all threads per matrix") {
    const std::vector<Shape> shapes = {
        {20, 33}, {400, 400}, {96, 256}, {256, 96}};  // one is large enough for all threads
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
            const StepValues values = step_values(0.02);
            cpu_ops().muon(
                {.matrices = some, .workspace = workspace, .step_values = &values, .beta = 0.95, .decay = 0.1}, {});
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

TEST_CASE("an exception on one of several threads reaches the caller") {
    const InConfiguration now(tested().configurations.back());
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

TEST_CASE("the CPU's optimizers and losses reject f64") {
    const Owned a = filled(DType::f64, {2, 2}, 1), b = copy_of(a), c = copy_of(a), grad = copy_of(a),
                workspace = poisoned(DType::f64, {muon_workspace(2, 2)});
    const MuonMatrix one = {.master = a, .m = b, .grad = grad};
    const StepValues values = step_values(1, 0.9, 0.9);
    REQUIRE_THROWS_AS(
        cpu_ops().muon({.matrices = {&one, 1}, .workspace = workspace, .step_values = &values, .beta = 0.9, .decay = 0},
                       {}),
        InternalError);
    auto flat = [](const Tensor& t) { return t.view({4}); };
    REQUIRE_THROWS_AS(cpu_ops().adamw({.master = flat(a),
                                       .m = flat(b),
                                       .v = flat(c),
                                       .grad = flat(grad),
                                       .step_values = &values,
                                       .beta1 = 0.9,
                                       .beta2 = 0.9,
                                       .eps = 1e-8,
                                       .decay = 0},
                                      {}),
                      InternalError);
}

TEST_CASE("the CPU's embedding rejects an id outside its table") {
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    for (int id : {-1, 4, 1 << 30})
        REQUIRE_THROWS_AS(
            sampled(s.ops, DType::f32, {{.logits = {1, 2, 3, 4}, .seen = {id}}}, {.repetition_penalty = 2}),
            InternalError);
    const Owned y = s.out({2, 3}), wte = s.in(1, {4, 3}), d_wte = s.sum(2, {4, 3}), d_y = s.in(3, {2, 3});
    for (int id : {-1, 4, 1 << 30}) {
        const Owned tokens = integers(1, {2}, id, id + 1);
        REQUIRE_THROWS_AS(s.ops.embedding_forward({.y = y, .tokens = tokens, .wte = wte}, {}), InternalError);
        REQUIRE_THROWS_AS(s.ops.embedding_backward({.d_wte = d_wte, .d_y = d_y, .tokens = tokens}, {}), InternalError);
    }
}
