// Training with graphs on a device: the same bits as without, and the host's calls.
#include <catch2/catch.hpp>

#include "engine/generate/generator.h"
#include "tests/engine/device/device_model.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// What the host asks of the device.
struct Calls {
    int captures = 0, replays = 0, waits = 0, attentions = 0, graphs = 0;
};
Calls calls;

const Ops& watched_device() {
    static const Ops table = [] {
        Ops ops = tested().device;
        ops.begin_capture = [](Stream s) { ++calls.captures, tested().device.begin_capture(s); };
        ops.end_capture = [](Stream s) { return ++calls.graphs, tested().device.end_capture(s); };
        ops.release_graph = [](Graph g) { --calls.graphs, tested().device.release_graph(g); };
        ops.replay = [](Graph g, Stream s) { ++calls.replays, tested().device.replay(g, s); };
        ops.synchronise = [](Stream s) { ++calls.waits, tested().device.synchronise(s); };
        ops.attention_forward = [](const AttentionForward& a, Stream s) {
            ++calls.attentions, tested().device.attention_forward(a, s);
        };
        return ops;
    }();
    return table;
}

constexpr int micro_batches = 3;

TrainerConfig accumulating(double dropout = 0.1) {
    TrainerConfig c = trainer_settings(dropout);
    c.batch = micro_batches * c.micro_batch;
    c.noise = 0.5;
    return c;
}

Mode mode_of(bool graphs, bool recompute = false) {
    return {.training = true, .recompute = recompute, .graphs = graphs};
}

// Losses and weights of a few steps. `between` runs before each.
template <class Between>
std::pair<std::vector<double>, std::vector<std::byte>> train(const ModelConfig& m, DType dtype, const TrainerConfig& c,
                                                             Mode mode, Between&& between) {
    Training t(tested().device, m, dtype, c, mode);
    std::vector<double> losses;
    for (int64_t step = 0; step < 4; ++step) {
        between(t, step);
        losses.push_back(t.losses(step, step + 1)[0]);
    }
    return {losses, t.weight_bits()};
}
auto train(const ModelConfig& m, DType dtype, const TrainerConfig& c, Mode mode) {
    return train(m, dtype, c, mode, [](Training&, int64_t) {});
}

}  // namespace

TEST_CASE(
    "training with graphs has the bits of training without, with accumulation, dropout, noise and recomputation") {
    if (!tested().device.has_graphs()) return;
    for (const auto& [name, m] : tiny_models())
        for (DType dtype : {DType::f32, DType::bf16})
            for (bool recompute : {false, true}) {
                TrainerConfig c = accumulating();
                c.optimizer.stochastic_rounding = dtype == DType::bf16;
                INFO(name << " in " << name_of(dtype) << (recompute ? ", recomputed" : ""));
                const auto want = train(m, dtype, c, mode_of(false, recompute));
                REQUIRE(train(m, dtype, c, mode_of(true, recompute)) == want);
            }
}

TEST_CASE("training with graphs has the same bits in every configuration") {
    if (!tested().device.has_graphs()) return;
    const ModelConfig m = tiny_llama();
    const auto want = train(m, DType::bf16, accumulating(), mode_of(false));
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        INFO(configuration.name);
        REQUIRE(train(m, DType::bf16, accumulating(), mode_of(true)) == want);
    }
}

TEST_CASE("validation and samples between the steps change nothing of training with graphs") {
    if (!tested().device.has_graphs()) return;
    for (const auto& [name, m] : tiny_models()) {
        const TrainerConfig c = accumulating();
        const auto disturbed = [&](bool graphs) {
            std::unique_ptr<Generator> generator;
            std::unique_ptr<Batch> batch;
            std::unique_ptr<StagedBatch> staged;
            std::unique_ptr<Arena> device, host;
            Tensor losses;
            return train(m, DType::f32, c, mode_of(graphs), [&](Training& t, int64_t step) {
                LanguageModel& model = *t.model;
                if (step == 0) {
                    generator = std::make_unique<Generator>(model, Generator::Capacity{.sequences = 2});
                    device = std::make_unique<Arena>(model.run.ops, "validation");
                    host = std::make_unique<Arena>(model.run.ops, "validation on the host", ArenaMemory::host);
                    batch = std::make_unique<Batch>();
                    staged = std::make_unique<StagedBatch>();
                    batch->declare(*device, c.micro_batch, c.context);
                    device->declare("losses", losses, {model.run.d.N()}, model.run.accumulator());
                    staged->declare(*host, c.micro_batch, c.context);
                    device->allocate();
                    host->allocate();
                }
                staged->take(packed_batch(c.micro_batch, c.context, m.V, unsigned(step)));
                batch->upload(model.run.ops, *staged, model.run.stream);
                model.loss(*batch, losses);
                generator->generate({{{1, 2, 3}, 0}, {{4}, 1}}, {.max_tokens = 4});
            });
        };
        INFO(name);
        const auto want = train(m, DType::f32, c, mode_of(false));
        REQUIRE(disturbed(false) == want);
        REQUIRE(disturbed(true) == want);
    }
}

TEST_CASE("a trial pass before the first step changes nothing of training with graphs") {
    if (!tested().device.has_graphs()) return;
    const ModelConfig m = tiny_gpt2();
    const auto run = [&](bool graphs, bool trial) {
        return train(m, DType::f32, accumulating(), mode_of(graphs), [&](Training& t, int64_t step) {
            if (trial && step == 0) t.trainer.trial_pass(samples_of(m.V));
        });
    };
    const auto want = run(false, false);
    REQUIRE(run(true, false) == want);
    REQUIRE(run(true, true) == want);
}

TEST_CASE(
    "a step's first micro-batch and its others each are queued once, captured once and replayed from then on, and the "
    "host waits once a step") {
    if (!tested().device.has_graphs()) return;
    const ModelConfig m = tiny_gpt2();
    calls = {};
    {
        Training t(watched_device(), m, DType::f32, accumulating(), mode_of(true));
        calls = {};
        t.losses(0, 1);
        REQUIRE(calls.captures == 1);  // of the others: the first has been queued only
        REQUIRE(calls.replays == micro_batches - 2);
        REQUIRE(calls.attentions == 3 * m.L);
        REQUIRE(calls.waits == 1);
        calls = {.graphs = calls.graphs};
        t.losses(1, 2);
        REQUIRE(calls.captures == 1);
        REQUIRE(calls.replays == micro_batches);
        REQUIRE(calls.attentions == m.L);
        REQUIRE(calls.waits == 1);
        calls = {.graphs = calls.graphs};
        t.losses(2, 4);
        REQUIRE(calls.captures == 0);
        REQUIRE(calls.replays == 2 * micro_batches);
        REQUIRE(calls.attentions == 0);
        REQUIRE(calls.waits == 2);
        REQUIRE(calls.graphs == 2);
    }
    REQUIRE(calls.graphs == 0);
}

TEST_CASE("work that throws while it is captured leaves its stream usable, and is captured by the next call") {
    if (!tested().device.has_graphs()) return;
    const Ops& ops = tested().device;
    const ComputeStream compute(ops);
    const Tensor x = {ops.allocate(16), DType::f32, {4}};
    Replays replays({.ops = ops, .stream = compute.stream(), .graphs = true});
    int queued = 0;
    const auto work = [&] {
        ++queued;
        ops.zero(x.data, x.bytes(), compute.stream());
        if (queued == 2) throw Error("refused", "a test", "nothing");
    };
    replays.run(0, work);
    REQUIRE_THROWS_WITH(replays.run(0, work), Catch::Contains("refused"));
    ops.synchronise(compute.stream());
    replays.run(0, work);
    replays.run(0, work);
    REQUIRE(queued == 3);
    replays.run(1, work);  // a key of its own
    REQUIRE(queued == 4);
    ops.synchronise(compute.stream());
    ops.release(x.data, x.bytes());
}

TEST_CASE("with several ranks of tp, and on a device without graphs, nothing is captured") {
    const Ops& ops = tested().device;
    Ops without = ops;
    without.begin_capture = nullptr;
    REQUIRE(Mode{.graphs = true}.captures(ops, {}) == ops.has_graphs());
    REQUIRE_FALSE(Mode{.graphs = true}.captures(ops, {.size = 2}));
    REQUIRE_FALSE(Mode{.graphs = true}.captures(without, {}));
    REQUIRE_FALSE(Mode{}.captures(ops, {}));
}
