// Another composition of the engine's parts: a model with a scalar head, trained with the same step, loop, log and
// checkpoints.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

#include "engine/loop/training_loop.h"
#include "engine/score_model.h"
#include "tests/engine/checkpoint_testing.h"
#include "tests/engine/models.h"

using namespace gradus;
using gradus::testing::TemporaryFolder;

namespace {

constexpr int B = 2, T = 6;

// A model with a scalar head and the loss ½(v[n] − target)² of every row.
struct ScalarModel : ScoreModel {
    Arena arena{reference_ops(), "values"};
    Tensor v;  // [N]

    explicit ScalarModel(const ModelConfig& m)
        : ScoreModel(reference_ops(), m, DType::f64, {B, T}, {.training = true}, {}) {
        arena.declare("values", v, {B * T}, DType::f64);
        arena.allocate();
        initialise(parameters, m, 3);
    }
    void loss_and_backward(const Batch& batch, Tensor losses, double target, double scale, const BucketDone& done) {
        forward(batch, v);
        for (int64_t n = 0; n < v.size(); ++n) {
            double& value = v.as<double>()[n];
            losses.as<double>()[n] = (value - target) * (value - target) / 2;
            value = (value - target) * scale;  // replaced by its gradient
        }
        backward(batch, v, done);
    }
};

// A batch on the reference table's device, which is the host.
struct Inputs {
    Arena arena{reference_ops(), "inputs"}, on_host{reference_ops(), "inputs on the host"};
    Batch batch;
    StagedBatch staged;
    Tensor losses;

    explicit Inputs(int V) {
        batch.declare(arena, B, T);
        arena.declare("losses", losses, {B * T}, DType::f64);
        arena.allocate();
        staged.declare(on_host, B, T);
        on_host.allocate();
        staged.take(test::packed_batch(B, T, V));
        batch.upload(reference_ops(), staged, {});
    }
};

double sum(Tensor losses) {
    double s = 0;
    for (double x : test::values<double>(losses)) s += x;
    return s;
}

UpdateConfig constant_rate(double lr) {
    UpdateConfig c;
    c.schedule = {Decay::constant, lr, 0, 0, 100, 0};
    return c;
}

}  // namespace

TEST_CASE("the gradients of a model with a scalar head equal finite differences") {
    for (const ModelConfig& m : {test::tiny_gpt2(), test::tiny_llama()}) {
        ScalarModel model(m);
        Inputs in(m.V);
        const auto loss = [&] {
            model.loss_and_backward(in.batch, in.losses, 0.5, 1, {});
            return sum(in.losses);
        };
        for (const Weight& w : model.parameters.weights()) {
            model.parameters.grads.zero();
            loss();
            const int64_t i = w.value.size() / 2;
            const double analytic = w.grad.as<double>()[i], h = 1e-5, x = w.value.as<double>()[i];
            w.value.as<double>()[i] = x + h;
            const double above = loss();
            w.value.as<double>()[i] = x - h;
            const double below = loss();
            w.value.as<double>()[i] = x;
            INFO(w.name);
            REQUIRE(std::abs((above - below) / (2 * h) - analytic) <= 1e-6);
        }
    }
}

TEST_CASE("a model with a scalar head is trained, logged, saved and resumed like any other") {
    silence_output();
    const ModelConfig m = test::tiny_gpt2();
    const TemporaryFolder folder;
    const auto train = [&](ScalarModel& model, GradientStep& step, Inputs& in, int64_t steps, RunState from) {
        LoopHooks hooks;
        hooks.step = [&](int64_t number, bool) {
            step.begin(number);
            model.step.upload(step.values(1.0 / (B * T)), {});
            model.loss_and_backward(in.batch, in.losses, 0.5, 1.0 / (B * T), step.exchange());
            return step.finish(in.losses, 1.0 / (B * T), B * T);
        };
        LoopConfig c;
        c.folder = folder.path();
        c.steps = steps;
        c.checkpoints.background = false;
        c.checkpoints.in_place = true;
        REQUIRE(TrainingLoop(m, step, c, hooks, from).run());
    };

    ScalarModel once(m);
    Inputs in(m.V);
    GradientStep of_once(once.parameters, constant_rate(1e-2), {}, B * T);
    train(once, of_once, in, 8, {});
    std::vector<double> losses;
    std::istringstream log(read_file(folder / "log.jsonl"));
    for (std::string line; std::getline(log, line);) losses.push_back(nlohmann::json::parse(line)["loss"]);
    REQUIRE(losses.size() == 8);
    REQUIRE(losses.back() < losses.front() / 2);

    // Four steps, then a resumed run of four more: the same weights bit for bit.
    const auto bits_of = [](const ScalarModel& model) { return test::values<double>(model.parameters.values.flat()); };
    fs::remove_all(folder / "checkpoints");
    fs::remove(folder / "log.jsonl");
    {
        ScalarModel begun(m);
        GradientStep step(begun.parameters, constant_rate(1e-2), {}, B * T);
        train(begun, step, in, 4, {});
    }
    ScalarModel resumed(m);
    GradientStep step(resumed.parameters, constant_rate(1e-2), {}, B * T);
    const fs::path newest = *latest_checkpoint(folder.path()).folder;
    const TrainingState state = load_checkpoint(newest, resumed.parameters, m, step.optimizer());
    step.stability().restore(state.stability);
    train(resumed, step, in, 8, {.step = state.step, .tokens = state.tokens});
    REQUIRE(bits_of(resumed) == bits_of(once));
    REQUIRE(state.tokens == 4 * B * T);
}

TEST_CASE("a scalar head is stored as transformers' sequence classification and read again") {
    for (const ModelConfig& m : {test::tiny_gpt2(), test::tiny_llama()}) {
        const TemporaryFolder folder;
        const ScalarModel saved(m);
        const Snapshot snapshot = Snapshot::of(m, saved.parameters);
        save_weights(snapshot, folder / "model", DType::f64);
        const auto config = nlohmann::json::parse(read_file(folder / "model" / "config.json"));
        REQUIRE(std::string(config["architectures"][0]).ends_with("ForSequenceClassification"));
        REQUIRE(config["id2label"].size() == 1);
        REQUIRE(has_scalar_head(folder / "model"));

        ScalarModel read(m);
        initialise(read.parameters, m, 4);
        REQUIRE(load_weights(read.parameters, m, folder / "model").empty());
        REQUIRE(test::values<double>(read.parameters.values.flat()) ==
                test::values<double>(saved.parameters.values.flat()));
    }
}

TEST_CASE("a reward model is initialised with a language model's body and a new scalar head") {
    const ModelConfig m = test::tiny_llama();
    const TemporaryFolder folder;
    const auto language = make_language_model(reference_ops(), m, DType::f64);
    initialise(*language, 5);
    save_weights(*language, folder / "model", DType::f64);
    REQUIRE(!has_scalar_head(folder / "model"));

    ScalarModel model(m);
    const auto weight = [](const auto& parameters, const std::string& name) {
        for (const Weight& w : parameters.weights())
            if (w.name == name) return test::values<double>(w.value);
        return std::vector<double>();
    };
    const std::vector<double> head = weight(model.parameters, scalar_head_tensor);
    REQUIRE(load_weights(model.parameters, m, folder / "model") == std::vector<std::string>{"lm_head.weight"});
    REQUIRE(weight(model.parameters, "wte") == weight(language->parameters, "wte"));
    REQUIRE(weight(model.parameters, scalar_head_tensor) == head);
    double squares = 0;
    for (double x : head) squares += x * x;
    REQUIRE(squares > 0);
    REQUIRE(squares < 4);  // N(0, 1/(C+1))
}

TEST_CASE("only one StateAccess of an optimizer exists at a time, and none during a step") {
    ScalarModel model(test::tiny_gpt2());
    Optimizer optimizer(model.parameters, {});
    {
        const auto m = optimizer.read(Optimizer::State::m);
        REQUIRE(m.of(0).shape == model.parameters.weights()[0].spec.shape);
        REQUIRE_THROWS_AS(optimizer.read(Optimizer::State::v), InternalError);
        REQUIRE_THROWS_AS(optimizer.squared_norm(), InternalError);
    }
    REQUIRE_NOTHROW(optimizer.read(Optimizer::State::v));
    REQUIRE_NOTHROW(optimizer.squared_norm());
}
