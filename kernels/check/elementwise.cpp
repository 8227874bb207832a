// Argument checks of activations, dropout, noise, add and cast: kernels/check.h.
#include "kernels/elementwise.h"
#include "kernels/activation.h"
#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/dropout.h"
#include "kernels/noise.h"

namespace gradus {

using arguments::Call;

void check(const ActivationForward& a) {
    const Call call{"activation_forward"};
    const auto [N, F] = call.matrix("x", a.x);
    call.is("y", a.y, a.x.dtype, {N, F}, "[N,F]");
    call.in_place_or_disjoint({"y", a.y}, {"x", a.x});
}

void check(const ActivationBackward& a) {
    const Call call{"activation_backward"};
    const auto [N, F] = call.matrix("x", a.x);
    call.is("d_x", a.d_x, a.x.dtype, {N, F}, "[N,F]");
    call.is("d_y", a.d_y, a.x.dtype, {N, F}, "[N,F]");
    call.in_place_or_disjoint({"d_x", a.d_x}, {"d_y", a.d_y});
    call.disjoint({{"d_x", a.d_x}}, {{"x", a.x}});
}

void check(const GatedForward& a) {
    const Call call{"gated_forward"};
    const auto [N, F] = call.matrix("y", a.y);
    call.is("x", a.x, a.y.dtype, {N, 2 * F}, "[N,2F]");
    call.disjoint({{"y", a.y}}, {{"x", a.x}});
}

void check(const GatedBackward& a) {
    const Call call{"gated_backward"};
    const auto [N, F] = call.matrix("d_y", a.d_y);
    call.is("d_x", a.d_x, a.d_y.dtype, {N, 2 * F}, "[N,2F]");
    call.is("x", a.x, a.d_y.dtype, {N, 2 * F}, "[N,2F]");
    call.disjoint({{"d_x", a.d_x}}, {{"d_y", a.d_y}, {"x", a.x}});
}

void check(const Dropout& a) {
    const Call call{"dropout"};
    const auto [N, C] = call.matrix("x", a.x);
    call.is("y", a.y, a.x.dtype, {N, C}, "[N,C]");
    call.number("p", a.p, a.p >= 0 && a.p < 1, "in [0, 1)");
    call.address("key", a.key);
    call.count("first_row", a.first_row, 0);
    call.in_place_or_disjoint({"y", a.y}, {"x", a.x});
}

void check(const AddDropout& a) {
    const Call call{"add_dropout"};
    const auto [N, C] = call.matrix("x", a.x);
    call.is("y", a.y, a.x.dtype, {N, C}, "[N,C]");
    call.is("a", a.a, a.x.dtype, {N, C}, "[N,C]");
    call.number("p", a.p, a.p >= 0 && a.p < 1, "in [0, 1)");
    call.address("key", a.key);
    call.count("first_row", a.first_row, 0);
    call.in_place_or_disjoint({"y", a.y}, {"a", a.a});
    call.in_place_or_disjoint({"y", a.y}, {"x", a.x});
}

void check(const AddNoise& a) {
    const Call call{"add_noise"};
    const auto [N, C] = call.matrix("x", a.x);
    call.is("y", a.y, a.x.dtype, {N, C}, "[N,C]");
    call.is("amplitude", a.amplitude, accumulator_of(a.x.dtype), {N}, "[N]");
    call.address("key", a.key);
    call.count("first_row", a.first_row, 0);
    call.in_place_or_disjoint({"y", a.y}, {"x", a.x});
    call.disjoint({{"y", a.y}}, {{"amplitude", a.amplitude}});
}

void check(const Add& a) {
    const Call call{"add"};
    call.float_tensor("y", a.y);
    call.is("a", a.a, a.y.dtype, a.y.shape, "the shape of y");
    call.is("b", a.b, a.y.dtype, a.y.shape, "the shape of y");
    call.in_place_or_disjoint({"y", a.y}, {"a", a.a});
    call.in_place_or_disjoint({"y", a.y}, {"b", a.b});
}

void check(const Cast& a) {
    const Call call{"cast"};
    call.float_tensor("y", a.y);
    call.one_of("y", a.y, {DType::f32, DType::bf16, DType::f64});
    call.one_of("x", a.x, {DType::f32, DType::bf16, DType::f64});
    call.is("x", a.x, a.x.dtype, a.y.shape, "the shape of y");
    call.disjoint({{"y", a.y}}, {{"x", a.x}});
}

}  // namespace gradus
