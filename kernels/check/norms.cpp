// Argument checks of layernorm and rmsnorm: kernels/check.h.
#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"

namespace gradus {

using arguments::Call;

namespace {

// The fields that only LayerNorm has; empty for RMSNorm.
template <class Args>
Opt mean_of(const Args& a) {
    if constexpr (requires { a.mean; }) return a.mean;
    else return {};
}
template <class Args>
Opt bias_of(const Args& a) {
    if constexpr (requires { a.bias; }) return a.bias;
    else return {};
}
template <class Args>
Opt d_bias_of(const Args& a) {
    if constexpr (requires { a.d_bias; }) return a.d_bias;
    else return {};
}

template <class Args>
void check_statistics(const Call& call, const Args& a, DType dtype, int64_t N) {
    if constexpr (requires { a.mean; }) call.is("mean", a.mean, dtype, {N}, "[N]");
    call.is("rstd", a.rstd, dtype, {N}, "[N]");
}

template <class Args>
void check_weights(const Call& call, const Args& a, DType dtype, int64_t C) {
    call.is("gain", a.gain, dtype, {C}, "[C]");
    call.optional("bias", bias_of(a), dtype, {C}, "[C]");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
}

template <class Args>
void check_forward(const Call& call, const Args& a) {
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype;
    const Opt mean = mean_of(a), bias = bias_of(a);
    call.is("y", a.y, t, {N, C}, "[N,C]");
    check_statistics(call, a, accumulator_of(t), N);
    check_weights(call, a, t, C);
    call.disjoint({{"y", a.y}, {"mean", mean}, {"rstd", a.rstd}}, {{"x", a.x}, {"gain", a.gain}, {"bias", bias}});
}

template <class Args>
void check_add_forward(const Call& call, const Args& a) {
    const auto [N, C] = call.matrix("a", a.a);
    const DType t = a.a.dtype;
    const Opt mean = mean_of(a), bias = bias_of(a);
    call.is("y", a.y, t, {N, C}, "[N,C]");
    call.is("x", a.x, t, {N, C}, "[N,C]");
    check_statistics(call, a, accumulator_of(t), N);
    call.is("b", a.b, t, {N, C}, "[N,C]");
    check_weights(call, a, t, C);
    call.in_place_or_disjoint({"x", a.x}, {"a", a.a});
    call.disjoint({{"y", a.y}, {"mean", mean}, {"rstd", a.rstd}}, {{"a", a.a}});
    call.disjoint({{"y", a.y}, {"x", a.x}, {"mean", mean}, {"rstd", a.rstd}},
                  {{"b", a.b}, {"gain", a.gain}, {"bias", bias}});
}

template <class Args>
void check_backward(const Call& call, const Args& a) {
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype, sum = accumulator_of(t);
    const Opt mean = mean_of(a), d_bias = d_bias_of(a);
    call.is("d_x", a.d_x, t, {N, C}, "[N,C]");
    call.is("d_gain", a.d_gain, sum, {C}, "[C]");
    call.optional("d_bias", d_bias, sum, {C}, "[C]");
    call.is("d_y", a.d_y, t, {N, C}, "[N,C]");
    call.optional("d_residual", a.d_residual, t, {N, C}, "[N,C]");
    call.is("gain", a.gain, t, {C}, "[C]");
    check_statistics(call, a, sum, N);
    call.in_place_or_disjoint({"d_x", a.d_x}, {"d_y", a.d_y});
    call.in_place_or_disjoint({"d_x", a.d_x}, {"d_residual", a.d_residual});
    call.disjoint({{"d_gain", a.d_gain}, {"d_bias", d_bias}}, {{"d_y", a.d_y}, {"d_residual", a.d_residual}});
    call.disjoint({{"d_x", a.d_x}, {"d_gain", a.d_gain}, {"d_bias", d_bias}},
                  {{"x", a.x}, {"gain", a.gain}, {"mean", mean}, {"rstd", a.rstd}});
}

}  // namespace

void check(const LayerNormForward& a) { check_forward({"layernorm_forward"}, a); }
void check(const AddLayerNormForward& a) { check_add_forward({"add_layernorm_forward"}, a); }
void check(const LayerNormBackward& a) { check_backward({"layernorm_backward"}, a); }
void check(const RmsNormForward& a) { check_forward({"rmsnorm_forward"}, a); }
void check(const AddRmsNormForward& a) { check_add_forward({"add_rmsnorm_forward"}, a); }
void check(const RmsNormBackward& a) { check_backward({"rmsnorm_backward"}, a); }

}  // namespace gradus
