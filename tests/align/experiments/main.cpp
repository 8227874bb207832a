// The experiments of docs/bench/align.md: align_experiments sentiment [SEEDS] [ITERATIONS]
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/align/experiments/sentiment_stages.h"

using namespace gradus;
using namespace gradus::experiments;

namespace {

void print(const char* name, const Judged& j) {
    std::printf(
        "  %-10s gold %+.2f  proxy %+.2f  KL %5.2f  ended %.3f  length %4.1f  positive %.2f  negative %.2f  "
        "violations %.2f  entropy %.2f\n",
        name, j.gold, j.proxy, j.kl, j.ended, j.length, j.positives, j.negatives, j.violations, j.entropy);
    std::fflush(stdout);
}

void sentiment(int seeds, int iterations) {
    for (int seed = 1; seed <= seeds; ++seed) {
        SentimentSettings s;
        s.seed = uint64_t(seed);
        s.ppo_iterations = iterations;
        SentimentStages stages(s);
        std::printf("seed %d\n  SFT loss %.3f\n", seed, stages.fine_tune());
        stages.collect();
        const auto r = stages.learn_reward();
        std::printf(
            "  reward model: %.3f before, %.3f on the rater's rankings (%.3f agree with the truth), %.3f on true "
            "preferences\n",
            r.before, r.noisy, r.ceiling, r.truth);
        print("SFT", stages.judge(stages.tuned()));
        const std::vector<double> curve = stages.best_of({1, 4, 16, 64});
        std::printf("  best of 1, 4, 16, 64: %+.2f %+.2f %+.2f %+.2f\n", curve[0], curve[1], curve[2], curve[3]);
        print("PPO",
              *std::make_unique<Judged>(stages.judge(*stages.ppo(s, [&](int i, const PpoStats& p, LanguageModel&) {
                  if (i == 0 || (i + 1) % 10 == 0)
                      std::printf(
                          "    %3d  score %+.2f  KL %.2f  ratio error %.3g  clip %.3f  explained %.2f  ended %.2f  "
                          "length "
                          "%.1f\n",
                          i + 1, p.score, p.kl, p.policy.first_ratio_error, p.policy.ratios.clip_fraction(),
                          p.value.explained_variance, p.ended, p.length);
                  std::fflush(stdout);
              }))));
        print("DPO", stages.judge(*stages.dpo(0.3, 3e-4, 2)));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int seeds = argc > 2 ? std::atoi(argv[2]) : 3, iterations = argc > 3 ? std::atoi(argv[3]) : 100;
    if (argc > 1 && std::strcmp(argv[1], "sentiment") == 0) sentiment(seeds, iterations);
    else std::fprintf(stderr, "usage: align_experiments sentiment [SEEDS] [ITERATIONS]\n");
}
