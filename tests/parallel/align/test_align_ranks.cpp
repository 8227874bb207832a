// Every mesh aligns a model as one rank does: fine-tuning, reward model, DPO, KTO and PPO on ranks that are threads.
#include <catch2/catch.hpp>

#include <functional>
#include <mutex>

#include "align/policy/pretraining_mix.h"
#include "engine/checkpoint/snapshot.h"
#include "engine/trainer.h"
#include "tests/align/trainers.h"
#include "tests/parallel/threads/thread_ranks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 12, steps = 20;

// Two ranks can divide it, except the vocabulary, whose last part is smaller.
ModelConfig model() {
    ModelConfig m = lively(tiny_llama());
    m.V = 17;
    m.F = 16;
    m.context = T;
    return m;
}

struct Course {
    std::vector<double> losses, weights;  // what every step reports; in the end, on the first rank of a mesh
    void take_weights(const ModelConfig& m, const Parameters& p, GradientStep& step) {
        const Snapshot all = Snapshot::copy(m, p, step.optimizer(), step.mesh());
        const Snapshot averaged = all.averaged();
        for (const std::vector<LogicalTensor>& tensors : {all.weights, averaged.weights})
            for (const LogicalTensor& t : tensors)
                for (double x : read(reference_ops(), t.value)) weights.push_back(x);
    }
};

// With an average of the weights, which is on every mesh that of one rank too.
UpdateConfig update() {
    UpdateConfig u = constant_rate(3e-4);
    u.optimizer.average = 0.9;
    return u;
}

// A row of text for a trainer or for PPO's updates.
void fill_text(int64_t first_row, HostBatch& host) {
    Sequences texts;
    MicroBatch placed;
    for (int row = 0; row < host.B; ++row) {
        texts.add(texts_of(random_sequences(1, model().V, T, uint64_t(first_row + row)))[0]);
        placed.push_back({row, row, 0});
    }
    fill(host, placed, texts);
}

Course tuned(const Place& p) {
    const auto policy = p.language(model());
    TrainerConfig c{update()};
    c.batch = 8;
    c.micro_batch = p.shape.B;
    c.context = T;
    c.noise = 5;
    Trainer trainer(*policy, c, p.mesh);
    Course course;
    for (int step = 0; step < steps; ++step) course.losses.push_back(trainer.step(step, fill_text).loss);
    course.take_weights(model(), policy->parameters, trainer.gradient_step());
    return course;
}

Course reward(const Place& p) {
    const auto score = p.score(model());
    RewardTrainer trainer(*score, {update(), RankingLoss::pairs, 0.01}, p.mesh);
    Course course;
    for (int step = 0; step < steps; ++step) {
        const auto r = trainer.step(step, random_rankings(7, model().V, T, uint64_t(step)));
        course.losses.insert(course.losses.end(), {r.loss, r.grad_norm, r.accuracy.right, r.accuracy.all, r.mean});
    }
    for (double s : trainer.scores(texts_of(random_sequences(7, model().V, T, 99)))) course.losses.push_back(s);
    course.take_weights(model(), score->parameters, trainer.gradient_step());
    return course;
}

Course dpo(const Place& p) {
    const auto policy = p.language(model()), reference = p.language(model());
    PreferenceTrainer trainer(*policy, {update(), {.beta = 0.3}}, p.mesh);
    LanguagePass pass(*reference);
    Course course;
    for (int step = 0; step < steps; ++step) {
        auto pairs = random_pairs(7, model().V, T, uint64_t(step));
        add_reference(pass, pairs, p.mesh.dp);
        const auto r = trainer.step(step, pairs);
        course.losses.insert(course.losses.end(), {r.loss, r.grad_norm, r.chosen_reward, r.rejected_log_prob});
    }
    course.take_weights(model(), policy->parameters, trainer.gradient_step());
    return course;
}

Course kto(const Place& p) {
    const auto policy = p.language(model()), reference = p.language(model(), 5);
    KtoTrainer trainer(*policy, {update(), {.beta = 0.3, .desirable = 1.5}}, p.mesh);
    LanguagePass pass(*reference);
    Course course;
    for (int step = 0; step < steps; ++step) {
        auto labels = random_labels(7, model().V, T, uint64_t(step));
        add_reference(pass, labels, p.mesh.dp);
        const auto r = trainer.step(step, labels);
        const auto held = trainer.judge(labels);
        course.losses.insert(course.losses.end(),
                             {r.loss, r.grad_norm, r.kl, r.desirable.reward, r.undesirable.log_prob, double(r.tokens),
                              held.loss, held.kl, held.undesirable.reward});
    }
    course.take_weights(model(), policy->parameters, trainer.gradient_step());
    return course;
}

using Sample = std::function<std::vector<Rollout>(int iteration, LanguageModel& policy)>;

// `text_rows`: of pre-training text in an update; 0: none.
Course ppo(const Place& p, const Sample& sample, int64_t text_rows = 0) {
    const auto policy = p.language(model()), reference = p.language(model());
    const auto value = p.score(model()), reward = p.score(model(), 4);
    ScorePass judge(*reward);
    PpoConfig c;
    static_cast<UpdateConfig&>(c.policy) = static_cast<UpdateConfig&>(c.value) = update();
    c.policy.epochs = c.value.epochs = 2;
    c.policy.minibatches = c.value.minibatches = 2;
    c.policy.target_kl = 10;
    c.kl = {.beta = 0.1, .target = 0.01, .horizon = 100};
    PpoTrainer trainer(*policy, *value, *reference, c, p.mesh);
    PretrainingMix text(*policy, fill_text, {2, std::max<int64_t>(text_rows, 1)}, p.mesh);
    const PolicyUpdate::Addition addition = text_rows > 0 ? text.addition() : PolicyUpdate::Addition{};
    Course course;
    for (int iteration = 0; iteration < steps / 4; ++iteration) {
        const auto answers = sample(iteration, *policy);
        std::vector<Sequence> texts;
        for (const Rollout& r : answers) texts.push_back(r.text);
        const PpoStats s = trainer.learn(iteration, answers, scores_of(judge, texts, p.mesh.dp), addition);
        course.losses.push_back(text.take_loss());
        REQUIRE(s.policy.first_ratio_error == 0);
        course.losses.insert(course.losses.end(), {s.policy.loss, s.value.loss, s.policy.grad_norm, s.value.grad_norm,
                                                   s.kl, s.score, s.beta});
    }
    course.take_weights(model(), policy->parameters, trainer.policy().gradient_step());
    course.take_weights(model(), value->parameters, trainer.value().gradient_step());
    return course;
}

std::vector<Rollout> given_answers(int iteration, LanguageModel&) {
    return random_answers(11, model().V, T, uint64_t(iteration));
}
Course ppo_of_given(const Place& p) { return ppo(p, given_answers); }
// Fewer rows than some meshes have groups of dp, and more.
Course ppo_with_text(const Place& p) { return ppo(p, given_answers, 2); }
Course ppo_with_more_text(const Place& p) { return ppo(p, given_answers, 7); }

// Each rank of dp answers its part of the prompts, and gets the others' answers.
Course ppo_that_samples(const Place& p) {
    return ppo(p, [&](int iteration, LanguageModel& policy) {
        std::vector<std::vector<int32_t>> prompts;
        for (int i = 0; i < 11; ++i) prompts.push_back({int32_t(1 + i), int32_t(2 + i % 3)});
        const Share mine = share_of(int(prompts.size()), p.mesh.dp);
        Generator generator(policy, {.sequences = 4});
        const auto own = roll_out(
            generator, {prompts.begin() + mine.first, prompts.begin() + mine.last},
            {.max_tokens = 6, .seed = uint64_t(iteration), .first_stream = uint64_t(mine.first), .ends = {0, 3, 5}});
        std::vector<Rollout> all;
        std::string ids;
        for (const Rollout& r : own)
            for (size_t t = 2; t < r.text.ids.size(); ++t)
                ids += char(r.text.ids[t] + (t + 1 == r.text.ids.size() ? 100 : 0));
        for (const std::string& part : p.mesh.dp.gather(ids)) {
            const auto next = [&] {
                const auto& prompt = prompts.at(all.size());
                all.push_back({.text = {prompt, {0, 0}}, .prompt_length = 2});
            };
            bool begins = true;
            for (const char c : part) {
                if (begins) next();
                begins = c >= 100;
                const int32_t id = c % 100;
                all.back().text.ids.push_back(id);
                all.back().text.learnt.push_back(1);
                all.back().ended = id == 0 || id == 3 || id == 5;
            }
        }
        REQUIRE(all.size() == prompts.size());
        return all;
    });
}

double worst(const std::vector<double>& a, const std::vector<double>& b) {
    double largest = a.size() == b.size() ? 0 : INFINITY;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const double d = std::abs(a[i] - b[i]) / std::max(std::abs(b[i]), 1.0);
        if (!(d <= largest)) largest = d;
    }
    return largest;
}

struct Numbers {
    const Ops& ops;
    DType dtype;
    double bound;
};

void require_equal(const char* name, const std::function<Course(const Place&)>& run, const Numbers& n,
                   bool any_share = true) {
    const Place alone{.ops = n.ops, .dtype = n.dtype, .shape = {4, T}};
    const Course expected = run(alone);
    REQUIRE(expected.weights.size() > 1000);
    std::vector<MeshSizes> meshes = {{.dp = 2}, {.dp = 1, .tp = 2}, {.dp = 2, .tp = 2}};
    if (any_share) meshes.push_back({.dp = 3});
    for (const MeshSizes& sizes : meshes) {
        INFO(name << " on " << text_of(sizes) << " in " << name_of(n.dtype));
        std::mutex lock;
        std::vector<Course> of_ranks(size_t(sizes.dp * sizes.tp));
        ThreadRanks(sizes).run([&](const Mesh& mesh) {
            Place place = alone;
            place.mesh = mesh;
            if (!any_share) place.shape.B = 2;
            Course c = run(place);
            std::lock_guard hold(lock);
            of_ranks[size_t(mesh.world.rank)] = std::move(c);
        });
        for (const Course& c : of_ranks) REQUIRE(worst(c.losses, expected.losses) <= n.bound);
        REQUIRE(worst(of_ranks[0].weights, expected.weights) <= n.bound);
    }
}

const Numbers in_f64 = {reference_ops(), DType::f64, 1e-11}, in_f32 = {cpu_ops(), DType::f32, 1e-6};

}  // namespace

TEST_CASE("fine-tuning on every mesh is that of one rank") {
    require_equal("SFT", tuned, in_f64, false);
    require_equal("SFT", tuned, in_f32, false);
}

TEST_CASE("a reward model learns on every mesh what it learns on one rank") {
    require_equal("reward", reward, in_f64);
    require_equal("reward", reward, in_f32);
}

TEST_CASE("DPO on every mesh is that of one rank") {
    require_equal("DPO", dpo, in_f64);
    require_equal("DPO", dpo, in_f32);
}

TEST_CASE("KTO on every mesh is that of one rank") {
    require_equal("KTO", kto, in_f64);
    require_equal("KTO", kto, in_f32);
}

TEST_CASE("PPO on every mesh is that of one rank, for given answers") {
    require_equal("PPO", ppo_of_given, in_f64);
    require_equal("PPO", ppo_of_given, in_f32);
}

TEST_CASE("PPO with pre-training text on every mesh is that of one rank") {
    require_equal("PPO", ppo_with_text, in_f64);
    require_equal("PPO", ppo_with_more_text, in_f64);
}

TEST_CASE("PPO whose ranks each sample their part of the answers is that of one rank that samples all") {
    require_equal("PPO", ppo_that_samples, in_f64);
}
