// Argument checks of cross-entropy: kernels/check.h.
#include <algorithm>

#include "kernels/check.h"
#include "kernels/check/call.h"
#include "kernels/cross_entropy.h"

namespace gradus {

using arguments::Call, arguments::text;

namespace {

void check_temperature(const Call& call, double temperature) {
    call.number("temperature", temperature, temperature > 0, "above 0");
}

void check_smoothing(const Call& call, double smoothing, double z_loss) {
    call.number("smoothing", smoothing, smoothing >= 0 && smoothing < 1, "in [0, 1)");
    call.number("z_loss", z_loss, z_loss >= 0, "at least 0");
}

}  // namespace

void check(const CrossEntropyStats& a) {
    const Call call{"cross_entropy_stats"};
    const int64_t N = call.view("logits", a.logits).rows;
    call.is("stats", a.stats, accumulator_of(a.logits.dtype), {N, 4}, "[N,4]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.count("vocab_offset", a.vocab_offset, 0);
    check_temperature(call, a.temperature);
    call.disjoint({{"stats", a.stats}}, {{"logits", a.logits}, {"targets", a.targets}});
}

void check(const CrossEntropyJoin& a) {
    const Call call{"cross_entropy_join"};
    const int64_t N = call.matrix("stats", a.stats).rows,
                  R = call.matrix("parts", a.parts).rows / std::max<int64_t>(N, 1);
    const DType t = accumulator_of(a.stats.dtype);
    call.is("stats", a.stats, t, {N, 4}, "[N,4]");
    call.is("parts", a.parts, t, {R * N, 4}, "[R*N,4]");
    call.disjoint({{"stats", a.stats}}, {{"parts", a.parts}});
}

void check(const CrossEntropyForward& a) {
    const Call call{"cross_entropy_forward"};
    const int64_t N = call.matrix("stats", a.stats).rows;
    const DType t = accumulator_of(a.stats.dtype);
    call.is("loss", a.loss, t, {N}, "[N]");
    call.is("lse", a.lse, t, {N}, "[N]");
    call.optional("log_prob", a.log_prob, t, {N}, "[N]");
    call.is("stats", a.stats, t, {N, 4}, "[N,4]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.count("V", a.V);
    check_smoothing(call, a.smoothing, a.z_loss);
    call.disjoint({{"loss", a.loss}, {"lse", a.lse}, {"log_prob", a.log_prob}},
                  {{"stats", a.stats}, {"targets", a.targets}});
}

void check(const CrossEntropyBackward& a) {
    const Call call{"cross_entropy_backward"};
    const auto [N, Vr] = call.view("logits", a.logits);
    call.is("lse", a.lse, accumulator_of(a.logits.dtype), {N}, "[N]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.optional("coefficient", a.coefficient, accumulator_of(a.logits.dtype), {N}, "[N]");
    call.count("vocab_offset", a.vocab_offset, 0);
    check_temperature(call, a.temperature);
    CHECK(a.vocab_offset <= a.V - Vr, call.named("logits") + " has shape " + text(a.logits.shape) +
                                          " from vocab_offset " + std::to_string(a.vocab_offset) +
                                          ", past V = " + std::to_string(a.V));
    call.number("scale", a.scale, true, "finite");
    check_smoothing(call, a.smoothing, a.z_loss);
    call.disjoint({{"logits", a.logits}}, {{"lse", a.lse}, {"targets", a.targets}, {"coefficient", a.coefficient}});
}

void check(const CrossEntropy& a) {
    const Call call{"cross_entropy"};
    const int64_t N = call.view("logits", a.logits).rows;
    const DType t = accumulator_of(a.logits.dtype);
    call.is("loss", a.loss, t, {N}, "[N]");
    call.is("lse", a.lse, t, {N}, "[N]");
    call.optional("log_prob", a.log_prob, t, {N}, "[N]");
    call.is("targets", a.targets, DType::i32, {N}, "[N]");
    call.optional("coefficient", a.coefficient, t, {N}, "[N]");
    check_temperature(call, a.temperature);
    call.number("scale", a.scale, true, "finite");
    check_smoothing(call, a.smoothing, a.z_loss);
    call.disjoint({{"logits", a.logits}, {"loss", a.loss}, {"lse", a.lse}, {"log_prob", a.log_prob}},
                  {{"targets", a.targets}, {"coefficient", a.coefficient}});
}

}  // namespace gradus
