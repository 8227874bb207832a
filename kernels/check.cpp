// The promises of kernels/*.h, one function for each struct of arguments, in the order of its fields.
#include "kernels/check.h"

#include <algorithm>

#include "kernels/check_call.h"
#include "kernels/every_op.h"

namespace gradus {

namespace {

using arguments::Call, arguments::text;

void check_temperature(const Call& call, double temperature) {
    call.number("temperature", temperature, temperature > 0, "above 0");
}

void check_smoothing(const Call& call, double smoothing, double z_loss) {
    call.number("smoothing", smoothing, smoothing >= 0 && smoothing < 1, "in [0, 1)");
    call.number("z_loss", z_loss, z_loss >= 0, "at least 0");
}

// The rows [first, first + here) of V; V = 0: all of them.
void check_range(const Call& call, const char* name, int64_t first, int64_t here, int64_t V) {
    call.count(name, first, 0);
    CHECK(V == 0 ? first == 0 : first <= V - here, call.named(name) + " = " + std::to_string(first) + " and " +
                                                       std::to_string(here) + " rows, past V = " + std::to_string(V));
}

}  // namespace

void check(const EmbeddingForward& a) {
    const Call call{"embedding_forward"};
    const auto [N, C] = call.matrix("y", a.y);
    const DType t = a.y.dtype;
    call.is("tokens", a.tokens, DType::i32, {N}, "[N]");
    call.is("wte", a.wte, t, {call.matrix("wte", a.wte).rows, C}, "[V,C]");
    call.together("positions", a.positions, "wpe", a.wpe);
    call.may_be("positions", a.positions, DType::i32, {N}, "[N]");
    if (a.wpe) call.is("wpe", a.wpe, t, {call.matrix("wpe", a.wpe).rows, C}, "[P,C]");
    check_range(call, "first_token", a.first_token, a.wte.rows(), a.V);
    call.apart({{"y", a.y}}, {{"tokens", a.tokens}, {"wte", a.wte}, {"positions", a.positions}, {"wpe", a.wpe}});
}

void check(const EmbeddingBackward& a) {
    const Call call{"embedding_backward"};
    const auto [N, C] = call.matrix("d_y", a.d_y);
    const DType sum = accumulator_of(a.d_y.dtype);
    call.is("d_wte", a.d_wte, sum, {call.matrix("d_wte", a.d_wte).rows, C}, "[V,C]");
    if (a.d_wpe) call.is("d_wpe", a.d_wpe, sum, {call.matrix("d_wpe", a.d_wpe).rows, C}, "[P,C]");
    call.is("tokens", a.tokens, DType::i32, {N}, "[N]");
    call.together("positions", a.positions, "d_wpe", a.d_wpe);
    call.may_be("positions", a.positions, DType::i32, {N}, "[N]");
    check_range(call, "first_token", a.first_token, a.d_wte.rows(), a.V);
    call.apart({{"d_wte", a.d_wte}, {"d_wpe", a.d_wpe}},
               {{"d_y", a.d_y}, {"tokens", a.tokens}, {"positions", a.positions}});
}

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

void check(const LinearForward& a) {
    const Call call{"linear_forward"};
    const auto [N, I] = call.matrix("x", a.x);
    const int64_t O = call.matrix("y", a.y).last;
    const DType t = a.x.dtype;
    call.is("y", a.y, t, {N, O}, "[N,O]");
    call.is("w", a.w, t, {O, I}, "[O,I]");
    call.may_be("b", a.b, t, {O}, "[O]");
    call.apart({{"y", a.y}}, {{"x", a.x}, {"w", a.w}, {"b", a.b}});
}

void check(const LinearBackwardInput& a) {
    const Call call{"linear_backward_input"};
    const auto [N, O] = call.matrix("d_y", a.d_y);
    const int64_t I = call.matrix("d_x", a.d_x).last;
    const DType t = a.d_y.dtype;
    call.is("d_x", a.d_x, t, {N, I}, "[N,I]");
    call.is("w", a.w, t, {O, I}, "[O,I]");
    call.apart({{"d_x", a.d_x}}, {{"d_y", a.d_y}, {"w", a.w}});
}

void check(const LinearBackwardWeight& a) {
    const Call call{"linear_backward_weight"};
    const auto [N, I] = call.matrix("x", a.x);
    const int64_t O = call.matrix("d_y", a.d_y).last;
    const DType t = a.x.dtype, sum = accumulator_of(t);
    call.is("d_w", a.d_w, sum, {O, I}, "[O,I]");
    call.may_be("d_b", a.d_b, sum, {O}, "[O]");
    call.is("d_y", a.d_y, t, {N, O}, "[N,O]");
    call.apart({{"d_w", a.d_w}, {"d_b", a.d_b}}, {{"d_y", a.d_y}, {"x", a.x}});
}

void check(const Rope& a) {
    const Call call{"rope"};
    const auto [N, W] = call.matrix("x", a.x);
    call.leads("rope_table", a.rope_table, 3);
    const int64_t P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    call.is("positions", a.positions, DType::i32, {N}, "[N]");
    call.is("rope_table", a.rope_table, accumulator_of(a.x.dtype), {P, R, 2}, "[P,R,2]");
    call.count("heads", a.heads);
    call.count("D", a.D);
    CHECK(int64_t(a.heads) * a.D <= W, call.named("heads") + "·D = " + std::to_string(int64_t(a.heads) * a.D) +
                                           " channels in rows of x of " + std::to_string(W));
    CHECK(2 * R <= a.D, call.named("rope_table") + " has shape " + text(a.rope_table.shape) +
                            ": 2·R must not be above D = " + std::to_string(a.D));
    call.apart({{"x", a.x}}, {{"positions", a.positions}, {"rope_table", a.rope_table}});
}

void check(const AttentionForward& a) {
    const Call call{"attention_forward"};
    const DType t = a.qkv.dtype;
    call.heads(a.H, a.G, a.D);
    call.count("B", a.B);
    call.count("T", a.T);
    const int64_t N = int64_t(a.B) * a.T;
    call.leads("qkv", a.qkv, 2);
    call.is("y", a.y, t, {N, int64_t(a.H) * a.D}, "[N, H·D]");
    call.is("lse", a.lse, accumulator_of(t), {a.B, a.H, a.T}, "[B,H,T]");
    call.is("qkv", a.qkv, t, {N, (a.H + 2 * int64_t(a.G)) * a.D}, "[N, (H+2G)·D]");
    call.is("lo", a.lo, DType::i32, {a.B, a.T}, "[B,T]");
    call.is("hi", a.hi, DType::i32, {a.B, a.T}, "[B,T]");
    call.number("scale", a.scale, true, "finite");
    call.apart({{"y", a.y}, {"lse", a.lse}}, {{"qkv", a.qkv}, {"lo", a.lo}, {"hi", a.hi}});
}

void check(const AttentionBackward& a) {
    const Call call{"attention_backward"};
    const DType t = a.qkv.dtype;
    call.heads(a.H, a.G, a.D);
    call.count("B", a.B);
    call.count("T", a.T);
    const int64_t N = int64_t(a.B) * a.T;
    call.leads("qkv", a.qkv, 2);
    call.is("d_qkv", a.d_qkv, t, {N, (a.H + 2 * int64_t(a.G)) * a.D}, "[N, (H+2G)·D]");
    call.is("delta", a.delta, accumulator_of(t), {a.B, a.H, a.T}, "[B,H,T]");
    call.is("d_y", a.d_y, t, {N, int64_t(a.H) * a.D}, "[N, H·D]");
    call.is("qkv", a.qkv, t, {N, (a.H + 2 * int64_t(a.G)) * a.D}, "[N, (H+2G)·D]");
    call.is("y", a.y, t, {N, int64_t(a.H) * a.D}, "[N, H·D]");
    call.is("lse", a.lse, accumulator_of(t), {a.B, a.H, a.T}, "[B,H,T]");
    call.is("lo", a.lo, DType::i32, {a.B, a.T}, "[B,T]");
    call.is("hi", a.hi, DType::i32, {a.B, a.T}, "[B,T]");
    call.number("scale", a.scale, true, "finite");
    call.apart({{"d_qkv", a.d_qkv}, {"delta", a.delta}},
               {{"d_y", a.d_y}, {"qkv", a.qkv}, {"y", a.y}, {"lse", a.lse}, {"lo", a.lo}, {"hi", a.hi}});
}

void check(const AttentionCached& a) {
    const Call call{"attention_cached"};
    const DType t = a.qkv.dtype;
    call.heads(a.H, a.G, a.D);
    const int64_t N = call.matrix("qkv", a.qkv).rows;
    call.leads("k_cache", a.k_cache, 4);
    const int64_t S = a.k_cache.shape.dim[0], P = a.k_cache.shape.dim[2];
    call.is("y", a.y, t, {N, int64_t(a.H) * a.D}, "[N, H·D]");
    call.is("k_cache", a.k_cache, t, {S, a.G, P, a.D}, "[S,G,P,D]");
    call.is("v_cache", a.v_cache, t, {S, a.G, P, a.D}, "[S,G,P,D]");
    call.is("qkv", a.qkv, t, {N, (a.H + 2 * int64_t(a.G)) * a.D}, "[N, (H+2G)·D]");
    call.is("sequence", a.sequence, DType::i32, {N}, "[N]");
    call.is("position", a.position, DType::i32, {N}, "[N]");
    call.is("lo", a.lo, DType::i32, {N}, "[N]");
    call.number("scale", a.scale, true, "finite");
    call.apart({{"y", a.y}, {"k_cache", a.k_cache}, {"v_cache", a.v_cache}},
               {{"qkv", a.qkv}, {"sequence", a.sequence}, {"position", a.position}, {"lo", a.lo}});
}

void check(const ActivationForward& a) {
    const Call call{"activation_forward"};
    const auto [N, F] = call.matrix("x", a.x);
    call.is("y", a.y, a.x.dtype, {N, F}, "[N,F]");
    call.in_place_or_apart({"y", a.y}, {"x", a.x});
}

void check(const ActivationBackward& a) {
    const Call call{"activation_backward"};
    const auto [N, F] = call.matrix("x", a.x);
    call.is("d_x", a.d_x, a.x.dtype, {N, F}, "[N,F]");
    call.is("d_y", a.d_y, a.x.dtype, {N, F}, "[N,F]");
    call.in_place_or_apart({"d_x", a.d_x}, {"d_y", a.d_y});
    call.apart({{"d_x", a.d_x}}, {{"x", a.x}});
}

void check(const GatedForward& a) {
    const Call call{"gated_forward"};
    const auto [N, F] = call.matrix("y", a.y);
    call.is("x", a.x, a.y.dtype, {N, 2 * F}, "[N,2F]");
    call.apart({{"y", a.y}}, {{"x", a.x}});
}

void check(const GatedBackward& a) {
    const Call call{"gated_backward"};
    const auto [N, F] = call.matrix("d_y", a.d_y);
    call.is("d_x", a.d_x, a.d_y.dtype, {N, 2 * F}, "[N,2F]");
    call.is("x", a.x, a.d_y.dtype, {N, 2 * F}, "[N,2F]");
    call.apart({{"d_x", a.d_x}}, {{"d_y", a.d_y}, {"x", a.x}});
}

void check(const Dropout& a) {
    const Call call{"dropout"};
    const auto [N, C] = call.matrix("x", a.x);
    call.is("y", a.y, a.x.dtype, {N, C}, "[N,C]");
    call.number("p", a.p, a.p >= 0 && a.p < 1, "in [0, 1)");
    call.count("first_row", a.first_row, 0);
    call.in_place_or_apart({"y", a.y}, {"x", a.x});
}

void check(const CrossEntropyStats& a) {
    const Call call{"cross_entropy_stats"};
    const int64_t N = call.matrix("logits", a.logits).rows;
    call.is("stats", a.stats, accumulator_of(a.logits.dtype), {N, 4}, "[N,4]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.count("vocab_offset", a.vocab_offset, 0);
    check_temperature(call, a.temperature);
    call.apart({{"stats", a.stats}}, {{"logits", a.logits}, {"targets", a.targets}});
}

void check(const CrossEntropyJoin& a) {
    const Call call{"cross_entropy_join"};
    const int64_t N = call.matrix("stats", a.stats).rows,
                  R = call.matrix("parts", a.parts).rows / std::max<int64_t>(N, 1);
    const DType t = accumulator_of(a.stats.dtype);
    call.is("stats", a.stats, t, {N, 4}, "[N,4]");
    call.is("parts", a.parts, t, {R * N, 4}, "[R*N,4]");
    call.apart({{"stats", a.stats}}, {{"parts", a.parts}});
}

void check(const CrossEntropyForward& a) {
    const Call call{"cross_entropy_forward"};
    const int64_t N = call.matrix("stats", a.stats).rows;
    const DType t = accumulator_of(a.stats.dtype);
    call.is("loss", a.loss, t, {N}, "[N]");
    call.is("lse", a.lse, t, {N}, "[N]");
    call.may_be("log_prob", a.log_prob, t, {N}, "[N]");
    call.is("stats", a.stats, t, {N, 4}, "[N,4]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.count("V", a.V);
    check_smoothing(call, a.smoothing, a.z_loss);
    call.apart({{"loss", a.loss}, {"lse", a.lse}, {"log_prob", a.log_prob}},
               {{"stats", a.stats}, {"targets", a.targets}});
}

void check(const CrossEntropyBackward& a) {
    const Call call{"cross_entropy_backward"};
    const auto [N, Vr] = call.matrix("logits", a.logits);
    call.is("lse", a.lse, accumulator_of(a.logits.dtype), {N}, "[N]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.may_be("coefficient", a.coefficient, accumulator_of(a.logits.dtype), {N}, "[N]");
    call.count("vocab_offset", a.vocab_offset, 0);
    check_temperature(call, a.temperature);
    CHECK(a.vocab_offset <= a.V - Vr, call.named("logits") + " has shape " + text(a.logits.shape) +
                                          " from vocab_offset " + std::to_string(a.vocab_offset) +
                                          ", past V = " + std::to_string(a.V));
    call.number("scale", a.scale, true, "finite");
    check_smoothing(call, a.smoothing, a.z_loss);
    call.apart({{"logits", a.logits}}, {{"lse", a.lse}, {"targets", a.targets}, {"coefficient", a.coefficient}});
}

void check(const Add& a) {
    const Call call{"add"};
    call.any("y", a.y);
    call.is("a", a.a, a.y.dtype, a.y.shape, "the shape of y");
    call.is("b", a.b, a.y.dtype, a.y.shape, "the shape of y");
    call.in_place_or_apart({"y", a.y}, {"a", a.a});
    call.in_place_or_apart({"y", a.y}, {"b", a.b});
}

void check(const Cast& a) {
    const Call call{"cast"};
    call.any("y", a.y);
    call.one_of("y", a.y, {DType::f32, DType::bf16, DType::f64});
    call.one_of("x", a.x, {DType::f32, DType::bf16, DType::f64});
    call.is("x", a.x, a.x.dtype, a.y.shape, "the shape of y");
    call.apart({{"y", a.y}}, {{"x", a.x}});
}

void check(const SquareSum& a) {
    const Call call{"square_sum"};
    call.any("x", a.x);
    call.is("total", a.total, DType::f64, {1}, "[1]");
    call.is("parts", a.parts, DType::f64, {square_sum_parts}, "[square_sum_parts]");
    call.one_of("x", a.x, {DType::f32, DType::bf16, DType::f64});
    call.apart({{"total", a.total}, {"parts", a.parts}}, {{"x", a.x}});
}

void check(const ClipScale& a) {
    const Call call{"clip_scale"};
    call.is("scale", a.scale, DType::f64, {1}, "[1]");
    call.is("total", a.total, DType::f64, {1}, "[1]");
    call.number("max_norm", a.max_norm, true, "finite");
    call.apart({{"scale", a.scale}}, {{"total", a.total}});
}

void check(const AdamW& a) {
    const Call call{"adamw"};
    call.leads("master", a.master, 1);
    const DType t = a.master.dtype;
    const Shape n = a.master.shape;
    call.one_of("master", a.master, {DType::f32, DType::f64});
    call.is("m", a.m, t, n, "[n]");
    call.is("v", a.v, t, n, "[n]");
    call.may_be("param", a.param, DType::bf16, n, "[n]");
    call.is("grad", a.grad, t, n, "[n]");
    call.may_be("scale", a.scale, DType::f64, {1}, "[1]");
    call.number("lr", a.lr, a.lr >= 0, "at least 0");
    call.number("beta1", a.beta1, a.beta1 >= 0 && a.beta1 < 1, "in [0, 1)");
    call.number("beta2", a.beta2, a.beta2 >= 0 && a.beta2 < 1, "in [0, 1)");
    call.number("eps", a.eps, a.eps >= 0, "at least 0");
    call.number("decay", a.decay, a.decay >= 0, "at least 0");
    call.count("step", a.step);
    call.count("first", a.first, 0);
    call.apart({{"master", a.master}, {"m", a.m}, {"v", a.v}, {"param", a.param}},
               {{"grad", a.grad}, {"scale", a.scale}});
}

void check(const Muon& a) {
    const Call call{"muon"};
    const DType t = a.workspace.dtype;
    call.one_of("workspace", a.workspace, {DType::f32, DType::f64});
    for (const MuonMatrix& x : a.matrices) {
        const auto [R, I] = call.matrix("master", x.master);
        call.is("master", x.master, t, {R, I}, "[R,I]");
        call.is("m", x.m, t, {R, I}, "[R,I]");
        call.may_be("param", x.param, DType::bf16, {R, I}, "[R,I]");
        call.is("grad", x.grad, t, {R, I}, "[R,I]");
    }
    call.may_be("scale", a.scale, DType::f64, {1}, "[1]");
    call.is("workspace", a.workspace, t, {muon_workspace(a.matrices)}, "[muon_workspace(matrices)]");
    for (const MuonMatrix& x : a.matrices) {
        call.apart({{"master", x.master}, {"m", x.m}, {"param", x.param}, {"workspace", a.workspace}},
                   {{"grad", x.grad}, {"scale", a.scale}});
        for (const MuonMatrix* y = a.matrices.data(); y != &x; ++y)
            call.apart({{"master", x.master}, {"m", x.m}, {"param", x.param}},
                       {{"another master", y->master}, {"another m", y->m}, {"another param", y->param}});
    }
    call.number("lr", a.lr, a.lr >= 0, "at least 0");
    call.number("beta", a.beta, a.beta >= 0 && a.beta < 1, "in [0, 1)");
    call.number("decay", a.decay, a.decay >= 0, "at least 0");
}

}  // namespace gradus
