// The promises of layernorm and rmsnorm: kernels/check.h.
#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"

namespace gradus {

using arguments::Call;

void check(const LayerNormForward& a) {
    const Call call{"layernorm_forward"};
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype, statistic = accumulator_of(t);
    call.is("y", a.y, t, {N, C}, "[N,C]");
    call.is("mean", a.mean, statistic, {N}, "[N]");
    call.is("rstd", a.rstd, statistic, {N}, "[N]");
    call.is("gain", a.gain, t, {C}, "[C]");
    call.may_be("bias", a.bias, t, {C}, "[C]");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.apart({{"y", a.y}, {"mean", a.mean}, {"rstd", a.rstd}}, {{"x", a.x}, {"gain", a.gain}, {"bias", a.bias}});
}

void check(const AddLayerNormForward& a) {
    const Call call{"add_layernorm_forward"};
    const auto [N, C] = call.matrix("a", a.a);
    const DType t = a.a.dtype, statistic = accumulator_of(t);
    call.is("y", a.y, t, {N, C}, "[N,C]");
    call.is("x", a.x, t, {N, C}, "[N,C]");
    call.is("mean", a.mean, statistic, {N}, "[N]");
    call.is("rstd", a.rstd, statistic, {N}, "[N]");
    call.is("b", a.b, t, {N, C}, "[N,C]");
    call.is("gain", a.gain, t, {C}, "[C]");
    call.may_be("bias", a.bias, t, {C}, "[C]");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.in_place_or_apart({"x", a.x}, {"a", a.a});
    call.apart({{"y", a.y}, {"mean", a.mean}, {"rstd", a.rstd}}, {{"a", a.a}});
    call.apart({{"y", a.y}, {"x", a.x}, {"mean", a.mean}, {"rstd", a.rstd}},
               {{"b", a.b}, {"gain", a.gain}, {"bias", a.bias}});
}

void check(const LayerNormBackward& a) {
    const Call call{"layernorm_backward"};
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype, sum = accumulator_of(t);
    call.is("d_x", a.d_x, t, {N, C}, "[N,C]");
    call.is("d_gain", a.d_gain, sum, {C}, "[C]");
    call.may_be("d_bias", a.d_bias, sum, {C}, "[C]");
    call.is("d_y", a.d_y, t, {N, C}, "[N,C]");
    call.may_be("d_residual", a.d_residual, t, {N, C}, "[N,C]");
    call.is("gain", a.gain, t, {C}, "[C]");
    call.is("mean", a.mean, sum, {N}, "[N]");
    call.is("rstd", a.rstd, sum, {N}, "[N]");
    call.in_place_or_apart({"d_x", a.d_x}, {"d_y", a.d_y});
    call.in_place_or_apart({"d_x", a.d_x}, {"d_residual", a.d_residual});
    call.apart({{"d_gain", a.d_gain}, {"d_bias", a.d_bias}}, {{"d_y", a.d_y}, {"d_residual", a.d_residual}});
    call.apart({{"d_x", a.d_x}, {"d_gain", a.d_gain}, {"d_bias", a.d_bias}},
               {{"x", a.x}, {"gain", a.gain}, {"mean", a.mean}, {"rstd", a.rstd}});
}

void check(const RmsNormForward& a) {
    const Call call{"rmsnorm_forward"};
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype;
    call.is("y", a.y, t, {N, C}, "[N,C]");
    call.is("rstd", a.rstd, accumulator_of(t), {N}, "[N]");
    call.is("gain", a.gain, t, {C}, "[C]");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.apart({{"y", a.y}, {"rstd", a.rstd}}, {{"x", a.x}, {"gain", a.gain}});
}

void check(const AddRmsNormForward& a) {
    const Call call{"add_rmsnorm_forward"};
    const auto [N, C] = call.matrix("a", a.a);
    const DType t = a.a.dtype;
    call.is("y", a.y, t, {N, C}, "[N,C]");
    call.is("x", a.x, t, {N, C}, "[N,C]");
    call.is("rstd", a.rstd, accumulator_of(t), {N}, "[N]");
    call.is("b", a.b, t, {N, C}, "[N,C]");
    call.is("gain", a.gain, t, {C}, "[C]");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.in_place_or_apart({"x", a.x}, {"a", a.a});
    call.apart({{"y", a.y}, {"rstd", a.rstd}}, {{"a", a.a}});
    call.apart({{"y", a.y}, {"x", a.x}, {"rstd", a.rstd}}, {{"b", a.b}, {"gain", a.gain}});
}

void check(const RmsNormBackward& a) {
    const Call call{"rmsnorm_backward"};
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype, sum = accumulator_of(t);
    call.is("d_x", a.d_x, t, {N, C}, "[N,C]");
    call.is("d_gain", a.d_gain, sum, {C}, "[C]");
    call.is("d_y", a.d_y, t, {N, C}, "[N,C]");
    call.may_be("d_residual", a.d_residual, t, {N, C}, "[N,C]");
    call.is("gain", a.gain, t, {C}, "[C]");
    call.is("rstd", a.rstd, sum, {N}, "[N]");
    call.in_place_or_apart({"d_x", a.d_x}, {"d_y", a.d_y});
    call.in_place_or_apart({"d_x", a.d_x}, {"d_residual", a.d_residual});
    call.apart({{"d_gain", a.d_gain}}, {{"d_y", a.d_y}, {"d_residual", a.d_residual}});
    call.apart({{"d_x", a.d_x}, {"d_gain", a.d_gain}}, {{"x", a.x}, {"gain", a.gain}, {"rstd", a.rstd}});
}

}  // namespace gradus
