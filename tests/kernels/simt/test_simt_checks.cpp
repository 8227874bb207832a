// A device_check that fails in a kernel is a Fault of the emulator, which remains usable.
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/simt/fault.h"
#include "tests/kernels/table/attention.h"
#include "tests/kernels/table/sampling.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the emulated backend has its name") { REQUIRE(std::string(simt_ops().name) == "simt"); }

TEST_CASE("an id outside its embedding table is a Fault that names the kernel's file, and the next call computes") {
    const Side s = {tested().ops, DType::f32, DType::f32};
    const Owned y = s.out({2, 3}), wte = s.in(1, {4, 3}), d_wte = s.sum(2, {4, 3}), d_y = s.in(3, {2, 3});
    for (const Configuration& configuration : tested().configurations)
        for (int id : {-1, 4, 1 << 30}) {
            const InConfiguration now(configuration);
            const Owned tokens = integers(1, {2}, id, id + 1);
            INFO(configuration.name << ", id " << id);
            const auto forward = [&](const Tensor& ids) {
                s.ops.embedding_forward({.y = y, .tokens = ids, .wte = wte}, {});
            };
            REQUIRE_THROWS_WITH(forward(tokens), Catch::Contains("embedding.cu"));
            REQUIRE_THROWS_AS(s.ops.embedding_backward({.d_wte = d_wte, .d_y = d_y, .tokens = tokens}, {}),
                              simt::Fault);
            REQUIRE_THROWS_WITH(
                sampled(s.ops, DType::f32, {{.logits = {1, 2, 3, 4}, .seen = {id}}}, {.repetition_penalty = 2}),
                Catch::Contains("sampling.cu"));
            forward(integers(1, {2}, 3, 4));
            for (int64_t i = 0; i < 6; ++i) REQUIRE(at(y, i) == at(wte, 9 + i % 3));
        }
}

TEST_CASE("invalid arguments are rejected before any launch, and the next call computes") {
    const Owned a = random(1, DType::f32, {3}), b = random(2, DType::f32, {4}), y = poisoned(DType::f32, {3});
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        REQUIRE_THROWS_AS(tested().ops.add({.y = y, .a = a, .b = b}, {}), InternalError);
        tested().ops.add({.y = y, .a = a, .b = a}, {});
        for (int64_t i = 0; i < 3; ++i) REQUIRE(at(y, i) == 2 * at(a, i));
    }
}
