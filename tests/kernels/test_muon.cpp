// Muon of the reference: kernels/muon.h.
#include <catch2/catch.hpp>

#include "kernels/elementwise.h"
#include "kernels/muon.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

struct Settings {
    double lr = 1, beta = 0, decay = 0;
};

// The weights after one step from zero weights and momentum.
Owned update(const Tensor& grad, Settings c = {}, Opt scale = {}) {
    const int64_t R = grad.rows(), I = grad.last();
    Owned master = filled(grad.dtype, grad.shape, 0);
    const Owned m = filled(grad.dtype, grad.shape, 0), workspace = poisoned(grad.dtype, {muon_workspace(R, I)});
    const MuonMatrix one = {.master = master, .m = m, .grad = grad};
    const StepValues values = step_values(c.lr);
    ops.muon({.matrices = {&one, 1},
              .scale = scale,
              .workspace = workspace,
              .step_values = &values,
              .beta = c.beta,
              .decay = c.decay},
             {});
    return master;
}

// The quintic applied five times to a singular value.
double driven(double x) {
    for (int round = 0; round < 5; ++round) x = 3.4445 * x - 4.7750 * std::pow(x, 3) + 2.0315 * std::pow(x, 5);
    return x;
}

Owned transposed(const Tensor& t) {
    Owned y(t.dtype, {t.last(), t.rows()});
    for (int64_t i = 0; i < t.size(); ++i) put(y, i % t.last() * t.rows() + i / t.last(), at(t, i));
    return y;
}

// (1 − 2·v·vᵀ/‖v‖²)·t: a reflection of the columns.
Owned reflected(const Tensor& t) {
    const Owned v = random(77, DType::f64, {t.rows()});
    double square = 0;
    for (int64_t r = 0; r < t.rows(); ++r) square += at(v, r) * at(v, r);
    Owned y = copy_of(t);
    for (int64_t i = 0; i < t.last(); ++i) {
        double along = 0;
        for (int64_t r = 0; r < t.rows(); ++r) along += at(v, r) * at(t, r * t.last() + i);
        for (int64_t r = 0; r < t.rows(); ++r)
            put(y, r * t.last() + i, at(t, r * t.last() + i) - 2 * at(v, r) * along / square);
    }
    return y;
}

}  // namespace

TEST_CASE("Muon applies the quintic to each singular value and keeps the singular vectors") {
    const double diagonal[] = {3, -0.5, 0.01, 1};
    double norm = 0;
    for (double s : diagonal) norm += s * s;
    for (int64_t columns : {4, 6}) {
        const Owned grad = filled(DType::f64, {4, columns}, 0), want = filled(DType::f64, {4, columns}, 0);
        for (int64_t i = 0; i < 4; ++i) {
            put(grad, i * columns + i, diagonal[i]);
            put(want, i * columns + i, -0.2 * std::sqrt(double(columns)) * driven(diagonal[i] / std::sqrt(norm)));
        }
        REQUIRE(difference("muon", update(grad), want, 1e-11, 1e-12) == "");
        REQUIRE(difference("muon, transposed", update(transposed(grad)), transposed(want), 1e-11, 1e-12) == "");
    }
    for (double s : {0.01, 0.1, 0.5, 1.0}) REQUIRE(std::abs(driven(s) - 1) <= 0.35);
}

TEST_CASE("the update of Muon is reflected and transposed with its gradient") {
    for (Shape shape : {Shape{5, 5}, Shape{3, 8}, Shape{7, 2}, Shape{1, 6}, Shape{6, 1}}) {
        const Owned grad = random(1, DType::f64, shape), step = update(grad);
        REQUIRE(difference("muon, reflected", update(reflected(grad)), reflected(step), 1e-11, 1e-11) == "");
        REQUIRE(difference("muon, transposed", update(transposed(grad)), transposed(step), 1e-11, 1e-11) == "");
    }
}

TEST_CASE("the update of Muon does not depend on the scale of the gradient, and is 0 for a zero gradient") {
    const Owned grad = random(1, DType::f64, {3, 5}), scale = filled(DType::f64, {1}, 0.125);
    REQUIRE(difference("muon, scaled", update(grad, {}, scale), update(grad), 1e-9, 1e-10) == "");
    const Owned nothing = filled(DType::f64, {3, 5}, 0);
    REQUIRE(same_bits(update(nothing), nothing));
}

TEST_CASE("Muon uses Nesterov momentum") {
    // one row: X = u/|u|, so the sign of u is the sign of the step
    const Owned master = filled(DType::f64, {1, 1}, 0), m = filled(DType::f64, {1, 1}, 1);
    const Owned grad = filled(DType::f64, {1, 1}, -0.5), workspace = poisoned(DType::f64, {muon_workspace(1, 1)});
    const MuonMatrix one = {.master = master, .m = m, .grad = grad};
    const StepValues values = step_values(1);
    ops.muon({.matrices = {&one, 1}, .workspace = workspace, .step_values = &values, .beta = 0.5, .decay = 0}, {});
    REQUIRE(at(m, 0) == 0.25);  // 0.5·1 − 0.5·0.5; u = 0.5·0.25 − 0.25 < 0
    REQUIRE(std::abs(at(master, 0) - 0.2 * driven(1)) <= 1e-10);
}

TEST_CASE("Muon decays the weights and leaves a bf16 copy") {
    for (DType t : {DType::f32, DType::f64}) {
        const Owned master = random(1, t, {3, 5}), before = copy_of(master), m = filled(t, {3, 5}, 0);
        const Owned grad = random(2, t, {3, 5}), workspace = poisoned(t, {muon_workspace(3, 5)});
        const Owned param = poisoned(DType::bf16, {3, 5}), copy = poisoned(DType::bf16, {3, 5});
        const MuonMatrix one = {.master = master, .m = m, .param = param, .grad = grad};
        const StepValues values = step_values(0.5);
        ops.muon({.matrices = {&one, 1}, .workspace = workspace, .step_values = &values, .beta = 0, .decay = 0.25}, {});
        const Owned step = update(grad);
        for (int64_t i = 0; i < 15; ++i)
            REQUIRE(std::abs(at(master, i) - (0.875 * at(before, i) + 0.5 * at(step, i))) <=
                    (t == DType::f32 ? 1e-6 : 1e-14));
        ops.cast({.y = copy, .x = master}, {});
        REQUIRE(same_bits(param, copy));
    }
}
