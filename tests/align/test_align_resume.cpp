// A trainer that goes on from saved weights and optimizer state does bit for bit what it would have done: align's trainers.
#include <catch2/catch.hpp>

#include <functional>

#include "engine/checkpoint/optimizer_state.h"
#include "engine/checkpoint/weights.h"
#include "tests/align/trainers.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 11;

struct Numbers {
    DType dtype;
    const char* name;
};
const Numbers in_f32 = {DType::f32, "f32"}, in_bf16 = {DType::bf16, "bf16"};

void save(const fs::path& folder, const ModelConfig& m, const Parameters& p, GradientStep& step) {
    const Snapshot s = Snapshot::of(m, p, step.optimizer());
    save_weights(s, folder, p.runtime.dtype);
    fs::create_directories(folder / "gradus");
    save_optimizer(folder, s);
}
void load(const fs::path& folder, const ModelConfig& m, Parameters& p, GradientStep& step) {
    load_weights(p, m, folder);
    load_optimizer(folder, p, step.optimizer());
}

// A trainer with its models. run(first, last) makes the steps in between.
struct Training {
    std::function<void(int first, int last)> run;
    std::function<void(const fs::path&folder)> save, load;
    std::function<std::vector<double>()> weights;
    std::shared_ptr<void> kept;
};

void require_resumes(const std::function<Training()>& make) {
    const testing::TemporaryFolder folder;
    const Training straight = make();
    straight.run(0, 6);
    const std::vector<double> expected = straight.weights();
    {
        const Training first = make();
        first.run(0, 3);
        first.save(folder.path());
        REQUIRE(first.weights() != expected);
    }
    const Training second = make();
    second.load(folder.path());
    second.run(3, 6);
    REQUIRE(second.weights() == expected);
}

Place place_of(const Numbers& n) { return {.ops = cpu_ops(), .dtype = n.dtype, .shape = {4, T}}; }

Training reward_training(const Numbers& n) {
    struct Kept {
        std::unique_ptr<ScoreModel> model;
        std::optional<RewardTrainer> trainer;
    };
    const auto k = std::make_shared<Kept>();
    const ModelConfig m = lively(tiny_llama());
    k->model = place_of(n).score(m);
    k->trainer.emplace(*k->model, RewardConfig{constant_rate(1e-2)});
    return {.run =
                [k, m](int first, int last) {
                    for (int step = first; step < last; ++step)
                        k->trainer->step(step, random_rankings(5, m.V, T, uint64_t(step)));
                },
            .save = [k, m](const fs::path& f) { save(f, m, k->model->parameters, k->trainer->gradient_step()); },
            .load = [k, m](const fs::path& f) { load(f, m, k->model->parameters, k->trainer->gradient_step()); },
            .weights = [k] { return test::weights_of(k->model->parameters); },
            .kept = k};
}

// Of pairs or of labels: a policy's trainer, its configuration, and what it learns from.
template <class PolicyTrainer, class TrainerConfig, class Examples>
Training policy_training(const Numbers& n, const Examples& examples) {
    struct Kept {
        std::unique_ptr<LanguageModel> model;
        std::optional<PolicyTrainer> trainer;
    };
    const auto k = std::make_shared<Kept>();
    const ModelConfig m = lively(tiny_llama());
    k->model = place_of(n).language(m);
    k->trainer.emplace(*k->model, TrainerConfig{constant_rate(1e-2)});
    return {.run =
                [k, m, examples](int first, int last) {
                    for (int step = first; step < last; ++step)
                        k->trainer->step(step, examples(5, m.V, T, uint64_t(step)));
                },
            .save = [k, m](const fs::path& f) { save(f, m, k->model->parameters, k->trainer->gradient_step()); },
            .load = [k, m](const fs::path& f) { load(f, m, k->model->parameters, k->trainer->gradient_step()); },
            .weights = [k] { return test::weights_of(k->model->parameters); },
            .kept = k};
}

struct Ppo {
    ModelConfig m = lively(tiny_llama());
    std::unique_ptr<LanguageModel> policy, reference;
    std::unique_ptr<ScoreModel> value;
    std::optional<PpoTrainer> trainer;

    explicit Ppo(const Numbers& n) {
        policy = place_of(n).language(m);
        reference = place_of(n).language(m);
        value = place_of(n).score(m);
        PpoConfig c;
        static_cast<UpdateConfig&>(c.policy) = static_cast<UpdateConfig&>(c.value) = constant_rate(1e-2);
        c.policy.epochs = c.value.epochs = 2;
        c.policy.minibatches = c.value.minibatches = 2;
        c.kl = {.beta = 0.1, .target = 0.01, .horizon = 20};
        trainer.emplace(*policy, *value, *reference, c);
    }
    void run(int first, int last) {
        for (int iteration = first; iteration < last; ++iteration)
            trainer->learn(iteration, random_answers(9, m.V, T, uint64_t(iteration)),
                           random_numbers(9, uint64_t(iteration)));
    }
    std::vector<double> weights() const {
        std::vector<double> all = test::weights_of(policy->parameters);
        for (double x : test::weights_of(value->parameters)) all.push_back(x);
        return all;
    }
};

}  // namespace

TEST_CASE("a reward model's training that is resumed has the same bits as one that was not interrupted") {
    for (const Numbers& n : {in_f32, in_bf16}) {
        INFO(n.name);
        require_resumes([&] { return reward_training(n); });
    }
}

TEST_CASE("preference training that is resumed has the same bits as one that was not interrupted") {
    for (const Numbers& n : {in_f32, in_bf16}) {
        INFO(n.name);
        require_resumes([&] { return policy_training<PreferenceTrainer, PreferenceTrainerConfig>(n, random_pairs); });
    }
}

TEST_CASE("KTO that is resumed has the same bits as one that was not interrupted") {
    for (const Numbers& n : {in_f32, in_bf16}) {
        INFO(n.name);
        require_resumes([&] { return policy_training<KtoTrainer, KtoTrainerConfig>(n, random_labels); });
    }
}

TEST_CASE("PPO that is resumed has the same bits as one that was not interrupted, and needs all of its state for it") {
    for (const Numbers& n : {in_f32, in_bf16}) {
        INFO(n.name);
        Ppo straight(n), first(n);
        straight.run(0, 4);
        first.run(0, 2);
        REQUIRE(first.weights() != straight.weights());
        REQUIRE(first.trainer->kl().beta != 0.1);
        const testing::TemporaryFolder folder;
        save(folder / "policy", first.m, first.policy->parameters, first.trainer->policy().gradient_step());
        save(folder / "value", first.m, first.value->parameters, first.trainer->value().gradient_step());
        for (const char* without : {"", "beta", "value", "policy's moments"}) {
            INFO("without " << without);
            Ppo second(n);
            const std::string left_out = without;
            if (left_out == "policy's moments") load_weights(second.policy->parameters, second.m, folder / "policy");
            else load(folder / "policy", second.m, second.policy->parameters, second.trainer->policy().gradient_step());
            if (left_out != "value")
                load(folder / "value", second.m, second.value->parameters, second.trainer->value().gradient_step());
            if (left_out != "beta") second.trainer->kl() = first.trainer->kl();
            second.run(2, 4);
            REQUIRE((second.weights() == straight.weights()) == left_out.empty());
        }
    }
}
