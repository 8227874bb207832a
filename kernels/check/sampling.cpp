// Argument checks of sampling: kernels/check.h.
#include "kernels/sampling.h"
#include "kernels/check.h"
#include "kernels/check/call.h"

namespace gradus {

void check(const Sample& a) {
    const arguments::Call call{"sample"};
    call.float_tensor("logits", a.logits);
    const auto [R, k, Vr, more] = a.logits.shape.dim;
    CHECK(a.logits.shape.rank == 3 && R > 0 && Vr > 0,
          call.named("logits") + " has shape " + arguments::text(a.logits.shape) + ", must have [R,k,Vr]");
    CHECK(a.V > 0 && a.V <= R * Vr,
          call.named("V") + " is " + std::to_string(a.V) + ", must be in [1, R·Vr = " + std::to_string(R * Vr) + "]");
    call.is("ids", a.ids, DType::i32, {k}, "[k]");
    call.is("log_probs", a.log_probs, accumulator_of(a.logits.dtype), {k}, "[k]");
    call.is("workspace", a.workspace, DType::f32, {sample_workspace(k, a.V)}, "[sample_workspace(k, V)]");
    call.is("streams", a.streams, DType::i32, {k, 2}, "[k,2]");
    call.is("positions", a.positions, DType::i32, {k}, "[k]");
    call.together("seen_offsets", a.seen_offsets, "seen", a.seen);
    call.optional("seen_offsets", a.seen_offsets, DType::i32, {k + 1}, "[k+1]");
    call.optional("seen", a.seen, DType::i32, {a.seen.size()}, "[S]");
    call.number("temperature", a.temperature, a.temperature >= 0, "at least 0");
    call.count("top_k", a.top_k, 0);
    call.number("top_p", a.top_p, a.top_p >= 0 && a.top_p <= 1, "in [0, 1]");
    call.number("min_p", a.min_p, a.min_p >= 0 && a.min_p <= 1, "in [0, 1]");
    call.number("repetition_penalty", a.repetition_penalty, a.repetition_penalty > 0, "above 0");
    call.disjoint({{"ids", a.ids}, {"log_probs", a.log_probs}, {"workspace", a.workspace}},
                  {{"logits", a.logits},
                   {"streams", a.streams},
                   {"positions", a.positions},
                   {"seen_offsets", a.seen_offsets},
                   {"seen", a.seen}});
}

}  // namespace gradus
