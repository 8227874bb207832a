// The argument checks of sampling.
#include <catch2/catch.hpp>

#include <functional>

#include "kernels/check.h"
#include "kernels/sampling.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the checks of sample name every invalid argument") {
    constexpr int R = 2, k = 3, Vr = 5, V = 9, S = 4;
    const Owned ids(DType::i32, {k}), log_probs(DType::f32, {k}), workspace(DType::f32, {sample_workspace(k, V)}),
        logits(DType::bf16, {R, k, Vr}), streams(DType::i32, {k, 2}), positions(DType::i32, {k}),
        offsets(DType::i32, {k + 1}), seen(DType::i32, {S});
    const Sample good = {.ids = ids,
                         .log_probs = log_probs,
                         .workspace = workspace,
                         .logits = logits,
                         .streams = streams,
                         .positions = positions,
                         .seen_offsets = offsets,
                         .seen = seen,
                         .seed = 1,
                         .V = V};
    REQUIRE_NOTHROW(check(good));
    const auto rejects_sample = [&](const std::function<void(Sample&)>& change, const std::string& message) {
        Sample a = good;
        change(a);
        REQUIRE_THROWS_AS(check(a), InternalError);
        REQUIRE_THROWS_WITH(check(a), Catch::Contains("sample: " + message));
    };

    const std::pair<const char*, std::function<Tensor&(Sample&)>> fields[] = {
        {"ids", [](Sample& a) -> Tensor& { return a.ids; }},
        {"log_probs", [](Sample& a) -> Tensor& { return a.log_probs; }},
        {"workspace", [](Sample& a) -> Tensor& { return a.workspace; }},
        {"logits", [](Sample& a) -> Tensor& { return a.logits; }},
        {"streams", [](Sample& a) -> Tensor& { return a.streams; }},
        {"positions", [](Sample& a) -> Tensor& { return a.positions; }},
        {"seen_offsets", [](Sample& a) -> Tensor& { return a.seen_offsets; }},
        {"seen", [](Sample& a) -> Tensor& { return a.seen; }}};
    for (const auto& [name, field] : fields) {
        const std::string named = name;
        rejects_sample([&](Sample& a) { field(a).shape = Shape{1, 2, 3, 4}; }, named + " has shape");
        rejects_sample([&](Sample& a) { field(a).dtype = field(a).dtype == DType::i32 ? DType::f32 : DType::i32; },
                       named + " is ");
        if (named.find("seen") == std::string::npos)
            rejects_sample([&](Sample& a) { field(a).data = nullptr; }, named + " has no memory");
    }

    rejects_sample([](Sample& a) { a.V = 0; }, "V is 0");
    rejects_sample([](Sample& a) { a.V = R * Vr + 1; }, "V is 11");
    rejects_sample([](Sample& a) { a.seen = {}; }, "seen_offsets is given without seen");
    rejects_sample([](Sample& a) { a.seen_offsets = {}; }, "seen_offsets is missing beside seen");
    rejects_sample([](Sample& a) { a.temperature = -1; }, "temperature is -1");
    rejects_sample([](Sample& a) { a.temperature = NAN; }, "temperature is nan");
    rejects_sample([](Sample& a) { a.top_k = -1; }, "top_k is -1");
    rejects_sample([](Sample& a) { a.top_p = 1.5; }, "top_p is 1.5");
    rejects_sample([](Sample& a) { a.min_p = -0.5; }, "min_p is -0.5");
    rejects_sample([](Sample& a) { a.repetition_penalty = 0; }, "repetition_penalty is 0");
    rejects_sample([&](Sample& a) { a.log_probs.data = a.workspace.data; }, "log_probs must not alias workspace");
    rejects_sample([&](Sample& a) { a.ids.data = a.positions.data; }, "ids must not alias positions");
}
