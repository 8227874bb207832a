// Embedding of the reference: kernels/embedding.h.
#include <catch2/catch.hpp>

#include "kernels/embedding.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();
constexpr int V = 5, P = 4;  // fewer than rows, so that tokens repeat and their gradients add up

}  // namespace

TEST_CASE("the backward of embedding is the derivative of its forward") {
    for (Rows r : awkward_rows)
        for (bool positioned : {true, false}) {
            const Owned tokens = integers(1, {r.N}, 0, V), positions = integers(2, {r.N}, 0, P);
            const Owned d_y = random(3, DType::f64, {r.N, r.C});
            const Owned wte_before = random(4, DType::f64, {V, r.C}), wpe_before = random(5, DType::f64, {P, r.C});
            const Owned d_wte = copy_of(wte_before), d_wpe = copy_of(wpe_before);
            auto when = [&](const Tensor& t) { return positioned ? Opt(t) : Opt(); };
            ops.embedding_backward(
                {.d_wte = d_wte, .d_wpe = when(d_wpe), .d_y = d_y, .tokens = tokens, .positions = when(positions)}, {});

            const Owned wte = random(6, DType::c128, {V, r.C}), wpe = random(7, DType::c128, {P, r.C});
            const Owned y = poisoned(DType::c128, {r.N, r.C});
            const Owned of_wte = added(d_wte, wte_before), of_wpe = added(d_wpe, wpe_before);
            std::vector<Derivative> inputs = {{"wte", wte, of_wte}};
            if (positioned) inputs.push_back({"wpe", wpe, of_wpe});
            const std::string wrong = wrong_gradient("embedding", inputs, [&] {
                ops.embedding_forward(
                    {.y = y, .tokens = tokens, .wte = wte, .positions = when(positions), .wpe = when(wpe)}, {});
                return functional(y, d_y);
            });
            REQUIRE(wrong == "");
            REQUIRE((positioned || same_bits(d_wpe, wpe_before)));
        }
}

TEST_CASE("embedding copies the row of the token and adds the row of the position") {
    const Owned tokens = integers(1, {7}, 0, V), positions = integers(2, {7}, 0, P);
    const Owned wte = random(3, DType::f32, {V, 3}), wpe = random(4, DType::f32, {P, 3});
    const Owned y = poisoned(DType::f32, {7, 3}), alone = poisoned(DType::f32, {7, 3});
    ops.embedding_forward({.y = y, .tokens = tokens, .wte = wte, .positions = positions, .wpe = wpe}, {});
    ops.embedding_forward({.y = alone, .tokens = tokens, .wte = wte}, {});
    for (int64_t n = 0; n < 7; ++n)
        for (int64_t c = 0; c < 3; ++c) {
            const float token = wte.as<float>()[int64_t(at(tokens, n)) * 3 + c];
            const float position = wpe.as<float>()[int64_t(at(positions, n)) * 3 + c];
            REQUIRE(alone.as<float>()[n * 3 + c] == token);
            REQUIRE(y.as<float>()[n * 3 + c] == token + position);
        }
}

TEST_CASE("the reference rejects a token or a position outside its table") {
    const Owned tokens = integers(1, {3}, 0, V), positions = integers(2, {3}, 0, P);
    const Owned wte = random(3, DType::f32, {V, 2}), wpe = random(4, DType::f32, {P, 2}), y(DType::f32, {3, 2});
    const EmbeddingForward call = {.y = y, .tokens = tokens, .wte = wte, .positions = positions, .wpe = wpe};
    ops.embedding_forward(call, {});
    for (int bad : {-1, V}) {
        const Owned kept = copy_of(tokens);
        put(tokens, 1, bad);
        REQUIRE_THROWS_WITH(ops.embedding_forward(call, {}), Catch::Contains("token " + std::to_string(bad)));
        std::memcpy(tokens.data, kept.data, kept.bytes());
    }
    put(positions, 2, P);
    REQUIRE_THROWS_WITH(ops.embedding_forward(call, {}), Catch::Contains("position 4 is not in [0, 4)"));
}
