// Stochastic rounding in training: the random numbers are a function of only the seed, the step and the weight's index.
#include <catch2/catch.hpp>

#include <cstring>

#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// The bf16 weights after the update of the given step, in which every weight decays by the same factor.
std::vector<uint16_t> weights_after(int64_t step, uint64_t seed, bool stochastic = true) {
    TrainerConfig c;
    c.batch = c.micro_batch = 2;
    c.context = 8;
    c.schedule = {Decay::constant, 1e-2, 0, 0, 1000, 0};
    c.optimizer.eps = 1e300;  // no gradient in the masters
    c.optimizer.weight_decay = 0.5;
    c.optimizer.stochastic_rounding = stochastic;
    c.optimizer.seed = seed;
    const ModelConfig m = tiny_gpt2();
    auto model = make_language_model(cpu_ops(), m, DType::bf16, {.B = 2, .T = 8}, {.training = true});
    initialise(*model, 1);
    Trainer trainer(*model, c);
    trainer.step(step, [&](int64_t, HostBatch& b) { b = packed_batch(b.B, b.T, m.V, 1); });
    const Tensor params = model->parameters.values.flat();
    std::vector<uint16_t> bits(size_t(params.size()));
    std::memcpy(bits.data(), params.data, params.bytes());
    return bits;
}

double share_that_differs(const std::vector<uint16_t>& a, const std::vector<uint16_t>& b) {
    REQUIRE(a.size() == b.size());
    double differ = 0;
    for (size_t i = 0; i < a.size(); ++i) differ += a[i] != b[i];
    return differ / double(a.size());
}

}  // namespace

TEST_CASE("the same step rounds the same way again, another step or seed does not") {
    const std::vector<uint16_t> first = weights_after(0, 7);
    REQUIRE(first == weights_after(0, 7));
    REQUIRE(share_that_differs(first, weights_after(1, 7)) > 0.05);
    REQUIRE(share_that_differs(first, weights_after(0, 8)) > 0.05);
    REQUIRE(share_that_differs(first, weights_after(0, 7, false)) > 0.05);
    REQUIRE(weights_after(0, 7, false) == weights_after(1, 8, false));
}
