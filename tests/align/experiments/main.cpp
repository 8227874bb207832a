// The experiments of docs/bench/align.md. usage: align_experiments sentiment|hacking|rounds|addition SEED [ITERATIONS]
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/align/experiments/addition_stages.h"
#include "tests/align/experiments/sentiment_stages.h"

using namespace gradus;
using namespace gradus::experiments;

namespace {

template <class... Values>
void print(fmt::format_string<Values...> format, Values&&... values) {
    fmt::print(format, std::forward<Values>(values)...);
    std::fflush(stdout);
}

void report(const std::string& name, const Judged& j) {
    print(
        "{:12} gold {:+.2f}  proxy {:+.2f}  KL {:5.2f}  ended {:.3f}  length {:4.1f}  positive {:.2f}  negative {:.2f} "
        " "
        "violations {:.2f}  entropy {:.2f}\n",
        name, j.gold, j.proxy, j.kl, j.ended, j.length, j.positives, j.negatives, j.violations, j.entropy);
}

// Up to the reward model.
SentimentStages prepared(const SentimentSettings& s) {
    SentimentStages stages(s);
    print("seed {}\nSFT loss {:.3f}\n", s.seed, stages.fine_tune());
    stages.collect();
    const double before = stages.learn_reward();
    const auto r = stages.accuracies(0);
    print(
        "reward model: {:.3f} before, {:.3f} on the rater's rankings ({:.3f} of which agree with the truth), {:.3f} on "
        "true "
        "preferences\n",
        before, r.noisy, r.ceiling, r.truth);
    report("SFT", stages.judge(stages.tuned()));
    return stages;
}

std::unique_ptr<LanguageModel> policy_of(SentimentStages& stages, SentimentSettings s, double beta, double target,
                                         const std::string& name) {
    s.beta = beta;
    s.kl_target = target;
    auto model = stages.ppo(s, [&](int i, const PpoStats& p, LanguageModel& so_far) {
        if (i == 9 || (i + 1) % 25 == 0) {
            print(
                "  {:3}  gold {:+.2f}  score {:+.2f}  KL {:.2f}  beta {:.4f}  clipped {:.3f}  explained {:.2f}  ended "
                "{:.2f}  "
                "length {:.1f}\n",
                i + 1, stages.judge(so_far).gold, p.shaped_score, p.kl, p.beta, p.policy.ratios.clip_fraction(),
                p.value.explained_variance, p.ended, p.length);
        }
    });
    report(name, stages.judge(*model));
    return model;
}

void sentiment(const SentimentSettings& s) {
    SentimentStages stages = prepared(s);
    const std::vector<double> curve = stages.best_of({1, 4, 16, 64});
    print("best of 1, 4, 16, 64: {:+.2f} {:+.2f} {:+.2f} {:+.2f}\n", curve[0], curve[1], curve[2], curve[3]);
    report("DPO", stages.judge(*stages.dpo(0.3, 6e-4, 2)));
    policy_of(stages, s, 0.1, 0, "PPO");
    policy_of(stages, s, 0.03, 3, "PPO, KL to 3");
}

void hacking(const SentimentSettings& s) {
    SentimentStages stages = prepared(s);
    for (double beta : {0.0, 0.01, 0.03, 0.1, 0.3, 1.0}) policy_of(stages, s, beta, 0, fmt::format("beta {}", beta));
}

void rounds(const SentimentSettings& s) {
    SentimentStages stages = prepared(s);
    for (int round = 1;; ++round) {
        const auto model = policy_of(stages, s, 0, 0, fmt::format("round {}", round));
        if (round == 3) break;
        stages.collect_with(*model);
        const double before = stages.accuracies(round).truth;
        stages.learn_reward();
        print(
            "reward model of round {}: true preferences on old rankings {:.3f}, on new ones {:.3f}, where the last one "
            "had {:.3f}\n",
            round + 1, stages.accuracies(0).truth, stages.accuracies(round).truth, before);
        policy_of(stages, s, 0.1, 0, fmt::format("round {}, beta 0.1", round + 1));
    }
}

void report(const std::string& name, const Marks& m) {
    print("{:16} pass@1 {:.3f}  pass@8 {:.3f}  greedy {:.3f}  entropy {:.3f}  KL {:.3f}\n", name, m.pass_at_1,
          m.pass_at_8, m.greedy, m.entropy, m.kl);
}

void addition(AdditionSettings s) {
    AdditionStages stages(s);
    print("seed {}\nSFT loss {:.3f}\n", s.seed, stages.fine_tune());
    report("SFT", stages.marks(stages.tuned()));
    const auto run = [&](const std::string& name) {
        const auto model = stages.grpo(s, [&](int i, const GrpoStats& g, LanguageModel& so_far) {
            if (i == 24 || i == 49 || i == 99)
                print("  {:3}  pass@1 {:.3f}  reward {:.3f}  KL {:.3f}  groups without spread {:.2f}\n", i + 1,
                      stages.marks(so_far).pass_at_1, g.score, g.kl, g.groups.without_spread / g.groups.groups);
        });
        report(name, stages.marks(*model));
    };
    run("GRPO");
    s.advantage = GroupAdvantage::dr_grpo;
    run("Dr. GRPO");
    s.advantage = GroupAdvantage::grpo;
    s.beta = 0.05;
    run("GRPO, beta 0.05");
}

}  // namespace

int main(int argc, char** argv) {
    const std::string name = argc > 1 ? argv[1] : "";
    const int seed = argc > 2 ? std::atoi(argv[2]) : 1, iterations = argc > 3 ? std::atoi(argv[3]) : 0;
    SentimentSettings s;
    s.seed = uint64_t(seed);
    if (iterations > 0) s.ppo_iterations = iterations;
    AdditionSettings a;
    a.seed = uint64_t(seed);
    if (iterations > 0) a.rl_steps = iterations;
    if (name == "sentiment") sentiment(s);
    else if (name == "hacking") hacking(s);
    else if (name == "rounds") rounds(s);
    else if (name == "addition") addition(a);
    else print("usage: align_experiments sentiment|hacking|rounds|addition SEED [ITERATIONS]\n");
}
