// Argument checks of linear, alone and with an activation, and of dot products of rows: kernels/check.h.
#include "kernels/linear.h"
#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/linear_activation.h"
#include "kernels/row_dot.h"

namespace gradus {

using arguments::Call;

void check(const LinearForward& a) {
    const Call call{"linear_forward"};
    const auto [N, I] = call.matrix("x", a.x);
    const int64_t O = call.view("y", a.y).last;
    const DType t = a.x.dtype;
    call.is_view("y", a.y, t, {N, O}, "[N,O]");
    call.is("w", a.w, t, {O, I}, "[O,I]");
    call.optional("b", a.b, t, {O}, "[O]");
    call.disjoint({{"y", a.y}}, {{"x", a.x}, {"w", a.w}, {"b", a.b}});
}

void check(const LinearBackwardInput& a) {
    const Call call{"linear_backward_input"};
    const auto [N, O] = call.view("d_y", a.d_y);
    const int64_t I = call.matrix("d_x", a.d_x).last;
    const DType t = a.d_y.dtype;
    call.is("d_x", a.d_x, t, {N, I}, "[N,I]");
    call.is("w", a.w, t, {O, I}, "[O,I]");
    call.disjoint({{"d_x", a.d_x}}, {{"d_y", a.d_y}, {"w", a.w}});
}

void check(const LinearBackwardWeight& a) {
    const Call call{"linear_backward_weight"};
    const auto [N, I] = call.matrix("x", a.x);
    const int64_t O = call.view("d_y", a.d_y).last;
    const DType t = a.x.dtype, sum = accumulator_of(t);
    call.is("d_w", a.d_w, sum, {O, I}, "[O,I]");
    call.optional("d_b", a.d_b, sum, {O}, "[O]");
    call.is_view("d_y", a.d_y, t, {N, O}, "[N,O]");
    call.disjoint({{"d_w", a.d_w}, {"d_b", a.d_b}}, {{"d_y", a.d_y}, {"x", a.x}});
}

void check(const LinearActivationForward& a) {
    const Call call{"linear_activation_forward"};
    const auto [N, I] = call.matrix("x", a.x);
    const int64_t O = call.matrix("y", a.y).last;
    const DType t = a.x.dtype;
    call.is("y", a.y, t, {N, O}, "[N,O]");
    call.is("pre", a.pre, t, {N, O}, "[N,O]");
    call.is("w", a.w, t, {O, I}, "[O,I]");
    call.optional("b", a.b, t, {O}, "[O]");
    call.disjoint({{"y", a.y}, {"pre", a.pre}}, {{"x", a.x}, {"w", a.w}, {"b", a.b}});
}

void check(const LinearActivationBackward& a) {
    const Call call{"linear_activation_backward"};
    const auto [N, O] = call.matrix("d_y", a.d_y);
    const int64_t I = call.matrix("d_pre", a.d_pre).last;
    const DType t = a.d_y.dtype;
    call.is("d_pre", a.d_pre, t, {N, I}, "[N,I]");
    call.is("w", a.w, t, {O, I}, "[O,I]");
    call.is("pre", a.pre, t, {N, I}, "[N,I]");
    call.disjoint({{"d_pre", a.d_pre}}, {{"d_y", a.d_y}, {"w", a.w}, {"pre", a.pre}});
}

void check(const RowDotForward& a) {
    const Call call{"row_dot_forward"};
    const auto [N, C] = call.matrix("x", a.x);
    call.is("y", a.y, accumulator_of(a.x.dtype), {N}, "[N]");
    call.is("w", a.w, a.x.dtype, {C}, "[C]");
    call.disjoint({{"y", a.y}}, {{"x", a.x}, {"w", a.w}});
}

void check(const RowDotBackward& a) {
    const Call call{"row_dot_backward"};
    const auto [N, C] = call.matrix("x", a.x);
    const DType t = a.x.dtype, sum = accumulator_of(t);
    call.is("d_x", a.d_x, t, {N, C}, "[N,C]");
    call.is("d_w", a.d_w, sum, {C}, "[C]");
    call.is("d_y", a.d_y, sum, {N}, "[N]");
    call.is("w", a.w, t, {C}, "[C]");
    call.disjoint({{"d_x", a.d_x}, {"d_w", a.d_w}}, {{"d_y", a.d_y}, {"x", a.x}, {"w", a.w}});
}

}  // namespace gradus
