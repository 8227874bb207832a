// Argument checks of qk_norm_rope: kernels/check.h.
#include "kernels/qk_norm_rope.h"

#include "kernels/check.h"
#include "kernels/check/call.h"

namespace gradus {

using arguments::Call, arguments::text;

namespace {

struct HeadSizes {
    int64_t N, H, G, D;
    Shape q() const { return {N, H * D}; }
    Shape k() const { return {N, G * D}; }
};

template <class Args>
HeadSizes check_heads(const Call& call, const Args& a) {
    call.view("q", a.q);
    call.view("k", a.k);
    const DType t = a.q.dtype, sum = accumulator_of(t);
    call.float_tensor("q_gain", a.q_gain, 1);
    const int64_t N = a.q.rows(), D = a.q_gain.last(), H = a.q.last() / D, G = a.k.last() / D;
    const auto whole = [&](const char* field, const Tensor& heads) {
        CHECK(heads.last() % D == 0, call.named(field) + " has rows of " + std::to_string(heads.last()) +
                                         " channels, must have heads of D = " + std::to_string(D));
    };
    whole("q", a.q);
    whole("k", a.k);
    call.is_view("q", a.q, t, {N, H * D}, "[N, H·D]");
    call.is_view("k", a.k, t, {N, G * D}, "[N, G·D]");
    call.is("q_gain", a.q_gain, t, {D}, "[D]");
    call.is("k_gain", a.k_gain, t, {D}, "[D]");
    call.is("q_rstd", a.q_rstd, sum, {N, H}, "[N,H]");
    call.is("k_rstd", a.k_rstd, sum, {N, G}, "[N,G]");
    call.is("positions", a.positions, DType::i32, {N}, "[N]");
    call.float_tensor("rope_table", a.rope_table, 3);
    const int64_t P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    call.is("rope_table", a.rope_table, sum, {P, R, 2}, "[P,R,2]");
    CHECK(2 * R <= D, call.named("rope_table") + " has shape " + text(a.rope_table.shape) +
                          ": 2·R must not be above D = " + std::to_string(D));
    return {N, H, G, D};
}

}  // namespace

void check(const QkNormRopeForward& a) {
    const Call call{"qk_norm_rope_forward"};
    const HeadSizes s = check_heads(call, a);
    const DType t = a.q.dtype;
    call.is_view("y_q", a.y_q, t, s.q(), "[N, H·D]");
    call.is_view("y_k", a.y_k, t, s.k(), "[N, G·D]");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.in_place_or_disjoint({"y_q", a.y_q}, {"q", a.q});
    call.in_place_or_disjoint({"y_k", a.y_k}, {"k", a.k});
    call.disjoint({{"y_q", a.y_q}, {"q_rstd", a.q_rstd}, {"k_rstd", a.k_rstd}}, {{"k", a.k}});
    call.disjoint({{"y_k", a.y_k}}, {{"q", a.q}});
    call.disjoint(
        {{"y_q", a.y_q}, {"y_k", a.y_k}, {"q_rstd", a.q_rstd}, {"k_rstd", a.k_rstd}},
        {{"q_gain", a.q_gain}, {"k_gain", a.k_gain}, {"positions", a.positions}, {"rope_table", a.rope_table}});
}

void check(const QkNormRopeBackward& a) {
    const Call call{"qk_norm_rope_backward"};
    const HeadSizes s = check_heads(call, a);
    const DType t = a.q.dtype, sum = accumulator_of(t);
    call.is_view("d_q", a.d_q, t, s.q(), "[N, H·D]");
    call.is_view("d_k", a.d_k, t, s.k(), "[N, G·D]");
    call.is("d_q_gain", a.d_q_gain, sum, {s.D}, "[D]");
    call.is("d_k_gain", a.d_k_gain, sum, {s.D}, "[D]");
    call.is_view("d_y_q", a.d_y_q, t, s.q(), "[N, H·D]");
    call.is_view("d_y_k", a.d_y_k, t, s.k(), "[N, G·D]");
    call.in_place_or_disjoint({"d_q", a.d_q}, {"d_y_q", a.d_y_q});
    call.in_place_or_disjoint({"d_k", a.d_k}, {"d_y_k", a.d_y_k});
    call.disjoint({{"d_q", a.d_q}}, {{"d_y_k", a.d_y_k}});
    call.disjoint({{"d_k", a.d_k}}, {{"d_y_q", a.d_y_q}});
    call.disjoint({{"d_q", a.d_q}, {"d_k", a.d_k}, {"d_q_gain", a.d_q_gain}, {"d_k_gain", a.d_k_gain}},
                  {{"q", a.q},
                   {"k", a.k},
                   {"q_gain", a.q_gain},
                   {"k_gain", a.k_gain},
                   {"q_rstd", a.q_rstd},
                   {"k_rstd", a.k_rstd},
                   {"positions", a.positions},
                   {"rope_table", a.rope_table}});
}

}  // namespace gradus
