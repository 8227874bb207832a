// Argument checks of the optimizer: kernels/check.h.
#include "kernels/optimizer.h"
#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/muon.h"

namespace gradus {

using arguments::Call;

void check(const SquareSum& a) {
    const Call call{"square_sum"};
    call.float_tensor("x", a.x);
    call.is("total", a.total, DType::f64, {1}, "[1]");
    call.is("parts", a.parts, DType::f64, {square_sum_parts}, "[square_sum_parts]");
    call.one_of("x", a.x, {DType::f32, DType::bf16, DType::f64});
    call.disjoint({{"total", a.total}, {"parts", a.parts}}, {{"x", a.x}});
}

void check(const ClipScale& a) {
    const Call call{"clip_scale"};
    call.is("scale", a.scale, DType::f64, {1}, "[1]");
    call.is("total", a.total, DType::f64, {1}, "[1]");
    call.number("max_norm", a.max_norm, true, "finite");
    call.disjoint({{"scale", a.scale}}, {{"total", a.total}});
}

void check(const StepValues& a) {
    const Call call{"step_values"};
    call.number("loss_scale", a.loss_scale, true, "finite");
    call.number("lr", a.lr, a.lr >= 0, "at least 0");
    call.number("correction1", a.correction1, a.correction1 > 0 && a.correction1 <= 1, "in (0, 1]");
    call.number("correction2", a.correction2, a.correction2 > 0 && a.correction2 <= 1, "in (0, 1]");
}

namespace {

// Each range begins after the one before it, and ends inside its tensors.
void check_ranges(const Call& call, const AdamW& a) {
    AdamWRange end = {};
    for (const AdamWRange& r : a.ranges) {
        const auto inside = [&](const char* field, int64_t first, int64_t& last, const Tensor& t) {
            CHECK(first >= last && r.count >= 0 && first + r.count <= t.size(),
                  call.named("ranges") + " has " + std::to_string(r.count) + " elements at " + std::to_string(first) +
                      " of " + field);
            last = first + r.count;
        };
        inside("master", r.master, end.master, a.master);
        inside("m", r.m, end.m, a.m);
        inside("v", r.v, end.v, a.v);
        inside("grad", r.param, end.param, a.grad);
    }
}

}  // namespace

void check(const AdamW& a) {
    const Call call{"adamw"};
    call.float_tensor("master", a.master, 1);
    const DType t = a.master.dtype;
    call.one_of("master", a.master, {DType::f32, DType::f64});
    const bool ranges = !a.ranges.empty();
    const auto flat = [&](const Tensor& x) { return ranges ? Shape{x.size()} : a.master.shape; };
    call.is("m", a.m, t, flat(a.m), "[n]");
    call.is("v", a.v, t, flat(a.v), "[n]");
    call.optional("param", a.param, DType::bf16, flat(a.grad), "[n]");
    call.is("grad", a.grad, t, flat(a.grad), "[n]");
    check_ranges(call, a);
    call.optional("scale", a.scale, DType::f64, {1}, "[1]");
    call.address("step_values", a.step_values);
    call.number("beta1", a.beta1, a.beta1 >= 0 && a.beta1 < 1, "in [0, 1)");
    call.number("beta2", a.beta2, a.beta2 >= 0 && a.beta2 < 1, "in [0, 1)");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.number("decay", a.decay, a.decay >= 0, "at least 0");
    call.count("first", a.first, 0);
    call.disjoint({{"master", a.master}, {"m", a.m}, {"v", a.v}, {"param", a.param}},
                  {{"grad", a.grad}, {"scale", a.scale}});
}

void check(const Average& a) {
    const Call call{"average"};
    call.float_tensor("average", a.average, 1);
    call.one_of("average", a.average, {DType::f32, DType::f64});
    call.is("x", a.x, a.average.dtype, a.average.shape, "[n]");
    call.number("rate", a.rate, a.rate >= 0 && a.rate <= 1, "in [0, 1]");
    call.disjoint({{"average", a.average}}, {{"x", a.x}});
}

void check(const Muon& a) {
    const Call call{"muon"};
    call.one_of("workspace", a.workspace, {DType::f32, DType::f64, DType::bf16});
    const bool half = a.workspace.dtype == DType::bf16 && !a.matrices.empty();
    const DType t = half ? a.matrices.front().master.dtype : a.workspace.dtype;
    for (const MuonMatrix& x : a.matrices) {
        const auto [R, I] = call.matrix("master", x.master);
        call.one_of("master", x.master, {DType::f32, DType::f64});
        call.is("master", x.master, t, {R, I}, "[R,I]");
        call.is("m", x.m, t, {R, I}, "[R,I]");
        call.optional("param", x.param, DType::bf16, {R, I}, "[R,I]");
        call.is("grad", x.grad, t, {R, I}, "[R,I]");
    }
    call.optional("scale", a.scale, DType::f64, {1}, "[1]");
    call.is("workspace", a.workspace, a.workspace.dtype, {muon_workspace(a.matrices)}, "[muon_workspace(matrices)]");
    for (const MuonMatrix& x : a.matrices) {
        call.disjoint({{"master", x.master}, {"m", x.m}, {"param", x.param}, {"workspace", a.workspace}},
                      {{"grad", x.grad}, {"scale", a.scale}});
        for (const MuonMatrix* y = a.matrices.data(); y != &x; ++y)
            call.disjoint({{"master", x.master}, {"m", x.m}, {"param", x.param}},
                          {{"another master", y->master}, {"another m", y->m}, {"another param", y->param}});
    }
    call.address("step_values", a.step_values);
    call.number("beta", a.beta, a.beta >= 0 && a.beta < 1, "in [0, 1)");
    call.number("decay", a.decay, a.decay >= 0, "at least 0");
}

}  // namespace gradus
