// Argument checks of embedding: kernels/check.h.
#include "kernels/embedding.h"
#include "kernels/check.h"
#include "kernels/check/call.h"

namespace gradus {

using arguments::Call;

namespace {

// The rows [first, first + count) of V; V = 0: all of them.
void check_range(const Call& call, const char* name, int64_t first, int64_t count, int64_t V) {
    call.count(name, first, 0);
    CHECK(V == 0 ? first == 0 : first <= V - count, call.named(name) + " = " + std::to_string(first) + " and " +
                                                        std::to_string(count) + " rows, past V = " + std::to_string(V));
}

}  // namespace

void check(const EmbeddingForward& a) {
    const Call call{"embedding_forward"};
    const auto [N, C] = call.matrix("y", a.y);
    const DType t = a.y.dtype;
    call.is("tokens", a.tokens, DType::i32, {N}, "[N]");
    call.is("wte", a.wte, t, {call.matrix("wte", a.wte).rows, C}, "[V,C]");
    call.together("positions", a.positions, "wpe", a.wpe);
    call.optional("positions", a.positions, DType::i32, {N}, "[N]");
    if (a.wpe) call.is("wpe", a.wpe, t, {call.matrix("wpe", a.wpe).rows, C}, "[P,C]");
    check_range(call, "first_token", a.first_token, a.wte.rows(), a.V);
    call.disjoint({{"y", a.y}}, {{"tokens", a.tokens}, {"wte", a.wte}, {"positions", a.positions}, {"wpe", a.wpe}});
}

void check(const EmbeddingBackward& a) {
    const Call call{"embedding_backward"};
    const auto [N, C] = call.matrix("d_y", a.d_y);
    const DType sum = accumulator_of(a.d_y.dtype);
    call.is("d_wte", a.d_wte, sum, {call.matrix("d_wte", a.d_wte).rows, C}, "[V,C]");
    if (a.d_wpe) call.is("d_wpe", a.d_wpe, sum, {call.matrix("d_wpe", a.d_wpe).rows, C}, "[P,C]");
    call.is("tokens", a.tokens, DType::i32, {N}, "[N]");
    call.together("positions", a.positions, "d_wpe", a.d_wpe);
    call.optional("positions", a.positions, DType::i32, {N}, "[N]");
    call.optional("order", a.order, DType::i32, {N}, "[N]");
    call.optional("position_order", a.position_order, DType::i32, {N}, "[N]");
    check_range(call, "first_token", a.first_token, a.d_wte.rows(), a.V);
    call.disjoint({{"d_wte", a.d_wte}, {"d_wpe", a.d_wpe}}, {{"d_y", a.d_y},
                                                             {"tokens", a.tokens},
                                                             {"positions", a.positions},
                                                             {"order", a.order},
                                                             {"position_order", a.position_order}});
}

}  // namespace gradus
