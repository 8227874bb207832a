// Whole updates against PyTorch, transformers and TRL on the same weights: tools/generate/align_updates.py.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/base/file.h"
#include "engine/checkpoint/weights.h"
#include "tests/align/trainers.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;

namespace {

const json& updates() {
    static const json read = json::parse(read_file(std::string(GRADUS_ROOT) + "/tests/goldens/align/updates.json"));
    return read;
}
const fs::path gpt2_folder = fs::path(GRADUS_ROOT) / "tests/goldens/models/gpt2";

struct Numbers {
    const Ops& ops;
    DType dtype;
    double bound;
};
std::vector<Numbers> tables() { return {{reference_ops(), DType::f64, 1e-9}, {cpu_ops(), DType::f32, 1e-5}}; }

void scale(Parameters& p, double by) {
    for (Weight& w : p.weights())
        for (int64_t i = 0; i < w.value.size(); ++i)
            if (w.value.dtype == DType::f64) w.value.as<double>()[i] *= by;
            else w.value.as<float>()[i] = float(double(w.value.as<float>()[i]) * by);
}

struct Models {
    Numbers numbers;
    ModelConfig config = read_model_config(gpt2_folder);
    BatchShape shape = {2, 16};

    std::unique_ptr<LanguageModel> policy(double scaled_by = 1) const {
        auto model = make_language_model(numbers.ops, config, numbers.dtype, shape, {.training = true});
        load_weights(*model, gpt2_folder);
        scale(model->parameters, scaled_by);
        return model;
    }
    std::unique_ptr<ScoreModel> scorer() const {
        auto model =
            std::make_unique<ScoreModel>(numbers.ops, config, numbers.dtype, shape, Mode{.training = true}, Comm{});
        load_weights(model->parameters, config, gpt2_folder);
        const std::vector<double> score = updates()["score"];
        int heads = 0;
        for (Weight& w : model->parameters.weights())
            if (w.name.find("score") != std::string::npos) {
                REQUIRE(w.value.size() == int64_t(score.size()));
                for (size_t i = 0; i < score.size(); ++i)
                    if (numbers.dtype == DType::f64) w.value.as<double>()[i] = score[i];
                    else w.value.as<float>()[i] = float(score[i]);
                ++heads;
            }
        REQUIRE(heads == 1);
        return model;
    }
};

std::vector<Rollout> answers() {
    std::vector<Rollout> all;
    for (const json& t : updates()["texts"]) {
        Rollout r{.text = {t["ids"], {}}, .prompt_length = t["prompt"], .ended = t["ended"]};
        for (int i = 0; i < r.text.size(); ++i) r.text.learnt.push_back(i >= r.prompt_length);
        all.push_back(r);
    }
    return all;
}
std::vector<Sequence> texts() {
    std::vector<Sequence> all;
    for (const Rollout& r : answers()) all.push_back(r.text);
    return all;
}

UpdateConfig update_of(const json& s) {
    UpdateConfig u = constant_rate(s["lr"]);
    u.optimizer.beta1 = s["beta1"];
    u.optimizer.beta2 = s["beta2"];
    u.optimizer.eps = s["eps"];
    u.optimizer.weight_decay = 0;
    u.optimizer.clip = s["norm"];
    return u;
}

void require_rows(const char* what, const std::vector<double>& found, const json& expected, double bound) {
    INFO(what);
    REQUIRE(relative(found, expected.get<std::vector<double>>()) <= bound);
}

void require_number(const char* what, double found, const json& expected, double bound) {
    INFO(what << ": " << found << " instead of " << expected.get<double>());
    REQUIRE(std::abs(found - expected.get<double>()) <= bound * std::max(std::abs(expected.get<double>()), 0.1));
}

}  // namespace

TEST_CASE("a whole iteration of PPO is PyTorch's: what it computes before, its losses, and the models after it") {
    const json& g = updates()["ppo"];
    const json& s = g["settings"];
    for (const Numbers& n : tables()) {
        INFO(name_of(n.dtype));
        const Models models{n};
        const auto policy = models.policy(), reference = models.policy(0.9);
        const auto value = models.scorer();
        PpoConfig c;
        static_cast<UpdateConfig&>(c.policy) = static_cast<UpdateConfig&>(c.value) = update_of(s);
        c.policy.epochs = c.value.epochs = s["epochs"];
        c.policy.clip = {.low = s["clip"], .high = s["clip"]};
        c.value.clip = s["value_clip"];
        c.policy.temperature = s["temperature"];
        c.kl.beta = s["beta"];
        c.gamma = s["gamma"];
        c.lambda = s["lambda"];
        c.score = {.mean = s["mean"], .sd = s["sd"], .clip = s["score_clip"], .missing_end = s["missing_end"]};
        PpoTrainer trainer(*policy, *value, *reference, c);
        const Sequences all = joined(texts());
        LanguagePass of_reference(*reference, s["temperature"]);
        require_rows("log-probabilities", trainer.policy().old_log_probs(all, 0), g["old_log_probs"], n.bound);
        require_rows("reference", trainer.policy().log_probs(of_reference, all, 0), g["reference"], n.bound);
        require_rows("values", trainer.value().values(all, 0), g["values"], n.bound);
        std::vector<double> scores;
        for (const json& t : updates()["texts"]) scores.push_back(t["score"]);
        const PpoStats stats = trainer.learn(0, answers(), scores);
        require_number("policy's loss", stats.policy.loss, g["policy_loss"], n.bound);
        require_number("policy's gradient", stats.policy.grad_norm, g["policy_norm"], n.bound);
        require_number("value's loss", stats.value.loss, g["value_loss"], n.bound);
        require_number("value's gradient", stats.value.grad_norm, g["value_norm"], n.bound);
        require_rows("log-probabilities after", trainer.policy().old_log_probs(all, 0), g["log_probs"], n.bound);
        require_rows("values after", trainer.value().values(all, 0), g["values_after"], n.bound);
    }
}

TEST_CASE("fine-tuning, DPO, IPO, hinge and reward steps have the losses and gradient norms of transformers and TRL") {
    for (const Numbers& n : tables()) {
        INFO(name_of(n.dtype));
        const Models models{n};
        const auto all = texts();
        {
            const auto policy = models.policy();
            TrainerConfig c{constant_rate(0)};
            c.batch = int(all.size());
            c.micro_batch = models.shape.B;
            c.context = models.shape.T;
            Trainer trainer(*policy, c);
            const StepResult r = trainer.step(0, [&](int64_t first, HostBatch& host) {
                Sequences of_batch;
                MicroBatch placed;
                for (int row = 0; row < host.B; ++row) {
                    of_batch.add(all[size_t(first + row)]);
                    placed.push_back({row, row, 0});
                }
                fill(host, placed, of_batch);
            });
            require_number("SFT", r.loss, updates()["sft"]["loss"], n.bound);
            require_number("SFT's gradient", r.grad_norm, updates()["sft"]["norm"], n.bound);
        }
        const auto reference = models.policy(0.9);
        LanguagePass of_reference(*reference);
        std::vector<PreferenceExample> pairs;
        std::vector<RankedAnswers> rankings;
        for (size_t p = 0; p < all.size(); p += 2) {
            pairs.push_back({.chosen = all[p], .rejected = all[p + 1]});
            rankings.push_back({.texts = {all[p], all[p + 1]}, .ranks = {1, 2}});
        }
        add_reference(of_reference, pairs, {});
        for (const json& g : updates()["preference"]) {
            const std::string kind = g["kind"];
            INFO(kind);
            const auto policy = models.policy();
            PreferenceTrainerConfig c;
            static_cast<UpdateConfig&>(c) = constant_rate(0);
            c.loss.kind = kind == "dpo"   ? PreferenceKind::dpo
                          : kind == "ipo" ? PreferenceKind::ipo
                                          : PreferenceKind::hinge;
            c.loss.beta = g["beta"];
            const auto r = PreferenceTrainer(*policy, c).step(0, pairs);
            require_number("loss", r.loss, g["loss"], n.bound);
            require_number("gradient", r.grad_norm, g["norm"], n.bound);
        }
        const auto scorer = models.scorer();
        const auto r = RewardTrainer(*scorer, {constant_rate(0)}).step(0, rankings);
        require_number("reward", r.loss, updates()["reward"]["loss"], n.bound);
        require_number("reward's gradient", r.grad_norm, updates()["reward"]["norm"], n.bound);
    }
}

// TRL mismatches a text with the one before it in its micro-batch, and estimates the reference point there: here from the whole batch.
TEST_CASE("a step of KTO has the loss, the reference point and the gradient norm of TRL") {
    for (const Numbers& n : tables())
        for (const json& g : updates()["kto"]) {
            INFO(name_of(n.dtype) << ", beta " << g["beta"]);
            const Models models{n};
            const auto policy = models.policy(g["policy"]), reference = models.policy(g["reference"]);
            const auto all = answers();
            std::vector<LabelledExample> examples;
            for (size_t i = 0; i < all.size(); ++i) {
                const Rollout& other = all[(i + all.size() - 1) % all.size()];
                LabelledExample e{.text = all[i].text, .desirable = i % 2 == 0};
                e.mismatched = e.text;
                e.mismatched.ids.resize(size_t(all[i].prompt_length));
                e.mismatched.ids.insert(e.mismatched.ids.end(), other.text.ids.begin() + other.prompt_length,
                                        other.text.ids.end());
                e.mismatched.learnt.assign(e.mismatched.ids.size(), 1);
                std::fill_n(e.mismatched.learnt.begin(), all[i].prompt_length, 0);
                examples.push_back(std::move(e));
            }
            LanguagePass of_reference(*reference);
            add_reference(of_reference, examples, {});
            KtoTrainerConfig c;
            static_cast<UpdateConfig&>(c) = constant_rate(0);
            c.loss = {.beta = g["beta"], .desirable = g["desirable"], .undesirable = g["undesirable"]};
            const auto r = KtoTrainer(*policy, c).step(0, examples);
            require_number("loss", r.loss, g["loss"], n.bound);
            require_number("reference point", r.kl, g["kl"], n.bound);
            require_number("gradient", r.grad_norm, g["norm"], n.bound);
        }
}

// With GRADUS_REWARD_FOLDER the folder stays there, with texts and scores for tools/compare/reward_in_transformers.py.
TEST_CASE("a saved reward model gives the same scores when it is loaded again") {
    const Models models{tables()[1]};
    const auto scorer = models.scorer();
    ScorePass pass(*scorer);
    const std::vector<double> scores = scores_of(pass, texts(), {});
    const testing::TemporaryFolder temporary;
    const char* wanted = std::getenv("GRADUS_REWARD_FOLDER");
    const fs::path folder = wanted ? fs::path(wanted) : temporary / "reward";
    fs::create_directories(folder);
    save_weights(Snapshot::of(models.config, scorer->parameters), folder, DType::f32);
    REQUIRE(has_scalar_head(folder));
    ScoreModel again(models.numbers.ops, models.config, models.numbers.dtype, models.shape, {}, {});
    load_weights(again.parameters, read_model_config(folder), folder);
    ScorePass loaded(again);
    REQUIRE(scores_of(loaded, texts(), {}) == scores);
    json expected = {{"texts", json::array()}, {"scores", scores}};
    for (const Sequence& text : texts()) expected["texts"].push_back(text.ids);
    if (wanted) write_file_atomically(folder / "scores.json", expected.dump());
}
