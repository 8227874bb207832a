// The moving average of the weights, and where AdamW adds eps: engine/optimizer.
#include <catch2/catch.hpp>

#include <cmath>

#include "engine/checkpoint/checkpoint.h"
#include "tests/engine/checkpoint_testing.h"
#include "tests/engine/models.h"

using namespace gradus;
using gradus::test::read;
using gradus::testing::TemporaryFolder;

namespace {

using State = Optimizer::State;

struct Numbers {
    const Ops& ops;
    DType dtype;
};
std::vector<Numbers> numbers() {
    return {{reference_ops(), DType::f64}, {cpu_ops(), DType::f32}, {cpu_ops(), DType::bf16}};
}

struct Training {
    std::unique_ptr<LanguageModel> model;
    std::optional<Trainer> trainer;

    Training(const Numbers& n, const OptimizerConfig& optimizer, double lr = 1e-2) {
        const ModelConfig m = test::tiny_gpt2();
        TrainerConfig c;
        c.batch = c.micro_batch = 2;
        c.context = 8;
        c.schedule = {Decay::constant, lr, 0, 0, 1000, 0};
        c.optimizer = optimizer;
        model = make_language_model(n.ops, m, n.dtype, {.B = 2, .T = 8}, {.training = true});
        initialise(*model, 3);
        trainer.emplace(*model, c);
    }
    void train(int from, int to) {
        for (int step = from; step < to; ++step)
            trainer->step(step, [&](int64_t first, HostBatch& host) {
                host = test::packed_batch(2, 8, model->config().V, unsigned(first + 1));
            });
    }
    // Of every weight: the state, or in full precision the weight itself.
    std::vector<double> all(State state) {
        std::vector<double> numbers;
        Optimizer& o = trainer->optimizer();
        const Optimizer::StateAccess tensors = o.read(state);
        for (size_t i = 0; i < model->weights().size(); ++i)
            for (const double x : read(model->run.ops, o.has(state, i) ? tensors.of(i) : model->weights()[i].value))
                numbers.push_back(x);
        return numbers;
    }
};

}  // namespace

TEST_CASE("the average starts at the weights and follows each update by its decay") {
    for (const Numbers& n : numbers())
        for (OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::muon}) {
            INFO(name_of(n.dtype));
            Training t(n, {.kind = kind, .average = 0.75});
            std::vector<double> expected = t.all(State::master);
            REQUIRE(t.all(State::average) == expected);
            for (int step = 0; step < 4; ++step) {
                t.train(step, step + 1);
                const std::vector<double> now = t.all(State::master);
                for (size_t i = 0; i < now.size(); ++i) expected[i] = 0.75 * expected[i] + 0.25 * now[i];
            }
            const std::vector<double> average = t.all(State::average);
            REQUIRE(test::worst_difference(average, expected) <= (n.dtype == DType::f64 ? 1e-14 : 1e-6));
            REQUIRE(test::worst_difference(average, t.all(State::master)) > 1e-3);
        }
}

TEST_CASE("the average does not change what is trained") {
    for (const Numbers& n : numbers()) {
        Training with(n, {.average = 0.9}), without(n, {});
        with.train(0, 3);
        without.train(0, 3);
        REQUIRE(with.all(State::master) == without.all(State::master));
        REQUIRE_FALSE(without.trainer->optimizer().has(State::average, 0));
    }
}

TEST_CASE("a checkpoint has the average as a model of its own, and a resumed run has it bit for bit") {
    const ModelConfig m = test::tiny_gpt2();
    for (const Numbers& n : {numbers()[1], numbers()[2]})
        for (const std::string tokenizer : {"", "{}"}) {
            INFO(name_of(n.dtype));
            const TemporaryFolder run;
            Training straight(n, {.average = 0.75}), first(n, {.average = 0.75}), second(n, {.average = 0.75});
            straight.train(0, 5);
            first.train(0, 3);
            const fs::path folder =
                save_checkpoint(run.path(), *first.model, first.trainer->optimizer(), {.step = 3},
                                {.tokenizer_json = tokenizer, .more_files = {{"gradus/more.json", "1"}}});
            load_checkpoint(folder, *second.model, second.trainer->optimizer());
            REQUIRE(second.all(State::average) == first.all(State::average));
            second.train(3, 5);
            REQUIRE(second.all(State::average) == straight.all(State::average));
            REQUIRE(second.all(State::master) == straight.all(State::master));

            const auto averaged = make_language_model(n.ops, m, n.dtype);
            REQUIRE(load_weights(*averaged, folder / averaged_folder).empty());
            std::vector<double> stored, expected = first.all(State::average);
            for (const Weight& w : averaged->weights())
                for (const double x : read(n.ops, w.value)) stored.push_back(x);
            for (double& x : expected)
                if (n.dtype == DType::bf16) x = double(float(bf16(float(x))));
            REQUIRE(stored == expected);
            REQUIRE(fs::exists(folder / averaged_folder / "tokenizer.json") == !tokenizer.empty());
            REQUIRE(read_file(folder / averaged_folder / "gradus/more.json") == "1");
            REQUIRE_FALSE(fs::exists(folder / averaged_folder / "gradus/optimizer.safetensors"));
        }
}

TEST_CASE("a checkpoint without an average is not resumed with one, and the other way round") {
    const Numbers n = numbers()[1];
    Training with(n, {.average = 0.9}), without(n, {});
    for (auto [saved, loaded] : {std::pair{&with, &without}, {&without, &with}}) {
        const TemporaryFolder run;
        const fs::path folder = save_checkpoint(run.path(), *saved->model, saved->trainer->optimizer(), {.step = 3});
        REQUIRE(fs::exists(folder / averaged_folder) == (saved == &with));
        REQUIRE_THROWS_AS(load_checkpoint(folder, *loaded->model, loaded->trainer->optimizer()), Error);
    }
}

TEST_CASE(
    "tensorflow's eps makes the first updates smaller by the root of the correction, and not where eps is small") {
    const Numbers n = numbers()[0];
    // With an eps far above the gradients, an update is lr · m/eps: the two forms differ by √(1 − β₂ᵗ).
    const OptimizerConfig base = {.beta1 = 0, .beta2 = 0.99, .eps = 1, .weight_decay = 0, .clip = 0};
    OptimizerConfig tensorflow = base;
    tensorflow.eps_form = EpsForm::tensorflow;
    Training a(n, base, 1e-6), b(n, tensorflow, 1e-6);
    for (int step : {0, 1}) {
        const std::vector<double> before_a = a.all(State::master), before_b = b.all(State::master);
        a.train(step, step + 1);
        b.train(step, step + 1);
        const std::vector<double> after_a = a.all(State::master), after_b = b.all(State::master);
        double moved_a = 0, moved_b = 0;
        for (size_t i = 0; i < after_a.size(); ++i) {
            moved_a += std::abs(after_a[i] - before_a[i]);
            moved_b += std::abs(after_b[i] - before_b[i]);
        }
        REQUIRE(moved_a > 0);
        const double factor = std::sqrt(1 - std::pow(0.99, step + 1));
        // Not exactly, as √(v/(1 − β₂ᵗ)) stands beside eps.
        REQUIRE(moved_b / moved_a == Approx(factor).epsilon(0.2));
    }
    OptimizerConfig small = base, small_tensorflow = tensorflow;
    small.eps = small_tensorflow.eps = 1e-30;  // below gradients that are rounding alone
    Training c(n, small), d(n, small_tensorflow);
    c.train(0, 1);
    d.train(0, 1);
    REQUIRE(test::worst_difference(c.all(State::master), d.all(State::master)) <= 1e-6);
}
