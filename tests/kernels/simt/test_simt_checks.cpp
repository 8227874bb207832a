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

TEST_CASE("keys and values that no query sees may be NaN, and their gradients are 0") {
    const Side s = {tested().ops, DType::bf16, DType::bf16};
    const Heads h = {1, 5, 2, 1, 16};
    const int Tk = 70, first = 3, end = 66;  // tiles begin at 3 and at 67, or at 0 and at 64
    const auto all_see = [&] {
        Mask mask = {"some keys", filled(DType::i32, {1, h.T}, first), filled(DType::i32, {1, h.T}, end)};
        return mask;
    }();
    const Owned q = s.in(1, {h.T, h.H * h.D}), k = s.in(2, {Tk, h.D}), v = s.in(3, {Tk, h.D}), d_y = s.in(4, q.shape);
    const auto run = [&] {
        SavedAttention saved = attention_forward(s, h, Tk, all_see, {q, k, v}, usual_scale(h));
        Owned d_q = s.out(q.shape), d_k = s.out(k.shape), d_v = s.out(v.shape);
        attention_backward(s, h, Tk, all_see, {d_q, d_k, d_v}, d_y, {q, k, v}, saved, usual_scale(h));
        return outputs(std::move(saved.y), std::move(saved.lse), std::move(d_q), std::move(d_k), std::move(d_v));
    };
    const Outputs clean = run();
    for (int64_t i = 0; i < k.size(); ++i)
        if (i / h.D < first || i / h.D >= end) {
            put(k, i, NAN);
            put(v, i, NAN);
            REQUIRE(at(clean[3], i) == 0);
            REQUIRE(at(clean[4], i) == 0);
        }
    REQUIRE(all_same_bits(run(), clean));
}
