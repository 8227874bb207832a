// Argument checks of rope and attention: kernels/check.h.
#include "kernels/attention.h"
#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/rope.h"

namespace gradus {

using arguments::Call, arguments::text;

namespace {

// The shapes of q and of k.
struct AttentionShapes {
    Shape queries, keys;
};
template <class Args>
AttentionShapes check_attention_sizes(const Call& call, const Args& a) {
    call.heads(a.H, a.G, a.D);
    call.count("B", a.B);
    call.count("Tq", a.Tq);
    call.count("Tk", a.Tk);
    return {{int64_t(a.B) * a.Tq, int64_t(a.H) * a.D}, {int64_t(a.B) * a.Tk, int64_t(a.G) * a.D}};
}

void check_score(const Call& call, const AttentionScore& score, DType t, int64_t H) {
    if (const auto* capped = std::get_if<SoftCap>(&score))
        call.number("score.cap", capped->cap, capped->cap > 0, "finite and above 0");
    if (const auto* alibi = std::get_if<Alibi>(&score))
        call.is("score.slopes", alibi->slopes, accumulator_of(t), {H}, "[H]");
    if (const auto* relative = std::get_if<RelativeBias>(&score)) {
        const int64_t columns = relative->bias.shape.dim[1];
        call.is("score.bias", relative->bias, accumulator_of(t), {H, columns}, "[H, 2M+1]");
        CHECK(columns % 2 == 1, call.named("score.bias") + " has " + std::to_string(columns) +
                                    " columns, must have an odd number: the distances -M to M");
    }
}

}  // namespace

void check(const Rope& a) {
    const Call call{"rope"};
    const auto [N, W] = call.matrix("x", a.x);
    call.float_tensor("rope_table", a.rope_table, 3);
    const int64_t P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    call.is("positions", a.positions, DType::i32, {N}, "[N]");
    call.is("rope_table", a.rope_table, accumulator_of(a.x.dtype), {P, R, 2}, "[P,R,2]");
    call.count("heads", a.heads);
    call.count("D", a.D);
    CHECK(int64_t(a.heads) * a.D <= W, call.named("heads") + "·D = " + std::to_string(int64_t(a.heads) * a.D) +
                                           " channels in rows of x of " + std::to_string(W));
    CHECK(2 * R <= a.D, call.named("rope_table") + " has shape " + text(a.rope_table.shape) +
                            ": 2·R must not be above D = " + std::to_string(a.D));
    call.disjoint({{"x", a.x}}, {{"positions", a.positions}, {"rope_table", a.rope_table}});
}

void check(const AttentionForward& a) {
    const Call call{"attention_forward"};
    const DType t = a.q.dtype;
    const auto [queries, keys] = check_attention_sizes(call, a);
    call.view("q", a.q);
    call.is("y", a.y, t, queries, "[B·Tq, H·D]");
    call.is("lse", a.lse, accumulator_of(t), {a.B, a.H, a.Tq}, "[B,H,Tq]");
    call.is_view("q", a.q, t, queries, "[B·Tq, H·D]");
    call.is_view("k", a.k, t, keys, "[B·Tk, G·D]");
    call.is_view("v", a.v, t, keys, "[B·Tk, G·D]");
    call.is("lo", a.lo, DType::i32, {a.B, a.Tq}, "[B,Tq]");
    call.is("hi", a.hi, DType::i32, {a.B, a.Tq}, "[B,Tq]");
    call.number("scale", a.scale, true, "finite");
    check_score(call, a.score, t, a.H);
    call.disjoint(
        {{"y", a.y}, {"lse", a.lse}},
        {{"q", a.q}, {"k", a.k}, {"v", a.v}, {"lo", a.lo}, {"hi", a.hi}, {"the tensor of score", tensor_of(a.score)}});
}

void check(const AttentionBackward& a) {
    const Call call{"attention_backward"};
    const DType t = a.q.dtype;
    const auto [queries, keys] = check_attention_sizes(call, a);
    call.view("q", a.q);
    call.is_view("d_q", a.d_q, t, queries, "[B·Tq, H·D]");
    call.is_view("d_k", a.d_k, t, keys, "[B·Tk, G·D]");
    call.is_view("d_v", a.d_v, t, keys, "[B·Tk, G·D]");
    call.is("delta", a.delta, accumulator_of(t), {a.B, a.H, a.Tq}, "[B,H,Tq]");
    call.is("d_y", a.d_y, t, queries, "[B·Tq, H·D]");
    call.is_view("q", a.q, t, queries, "[B·Tq, H·D]");
    call.is_view("k", a.k, t, keys, "[B·Tk, G·D]");
    call.is_view("v", a.v, t, keys, "[B·Tk, G·D]");
    call.is("y", a.y, t, queries, "[B·Tq, H·D]");
    call.is("lse", a.lse, accumulator_of(t), {a.B, a.H, a.Tq}, "[B,H,Tq]");
    call.is("lo", a.lo, DType::i32, {a.B, a.Tq}, "[B,Tq]");
    call.is("hi", a.hi, DType::i32, {a.B, a.Tq}, "[B,Tq]");
    call.number("scale", a.scale, true, "finite");
    check_score(call, a.score, t, a.H);
    const Tensor of_score = tensor_of(a.score);
    if (a.d_bias) {
        CHECK(std::holds_alternative<RelativeBias>(a.score),
              call.named("d_bias") + " is given without a relative bias");
        call.is("d_bias", a.d_bias, of_score.dtype, of_score.shape, "[H, 2M+1]");
    }
    call.disjoint({{"d_q", a.d_q}, {"d_k", a.d_k}, {"d_v", a.d_v}, {"delta", a.delta}, {"d_bias", a.d_bias}},
                  {{"d_y", a.d_y},
                   {"q", a.q},
                   {"k", a.k},
                   {"v", a.v},
                   {"y", a.y},
                   {"lse", a.lse},
                   {"lo", a.lo},
                   {"hi", a.hi},
                   {"the tensor of score", of_score}});
}

void check(const AttentionCached& a) {
    const Call call{"attention_cached"};
    const DType t = a.q.dtype;
    call.heads(a.H, a.G, a.D);
    const int64_t N = call.view("q", a.q).rows;
    call.float_tensor("k_cache", a.k_cache, 4);
    const int64_t S = a.k_cache.shape.dim[0], P = a.k_cache.shape.dim[2];
    call.is("y", a.y, t, {N, int64_t(a.H) * a.D}, "[N, H·D]");
    call.is("k_cache", a.k_cache, t, {S, a.G, P, a.D}, "[S,G,P,D]");
    call.is("v_cache", a.v_cache, t, {S, a.G, P, a.D}, "[S,G,P,D]");
    call.is_view("q", a.q, t, {N, int64_t(a.H) * a.D}, "[N, H·D]");
    call.is_view("k", a.k, t, {N, int64_t(a.G) * a.D}, "[N, G·D]");
    call.is_view("v", a.v, t, {N, int64_t(a.G) * a.D}, "[N, G·D]");
    call.is("sequence", a.sequence, DType::i32, {N}, "[N]");
    call.is("position", a.position, DType::i32, {N}, "[N]");
    call.is("lo", a.lo, DType::i32, {N}, "[N]");
    call.number("scale", a.scale, true, "finite");
    check_score(call, a.score, t, a.H);
    call.disjoint({{"y", a.y}, {"k_cache", a.k_cache}, {"v_cache", a.v_cache}},
                  {{"q", a.q},
                   {"k", a.k},
                   {"v", a.v},
                   {"sequence", a.sequence},
                   {"position", a.position},
                   {"lo", a.lo},
                   {"the tensor of score", tensor_of(a.score)}});
}

}  // namespace gradus
