// gradus reward: a reward model from rankings of answers.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "align/statistics/calibration.h"
#include "align/statistics/running.h"
#include "engine/initialise.h"
#include "tools/align/judged_examples.h"
#include "tools/align/score_facts.h"
#include "tools/cli.h"

namespace gradus {

namespace {

RankingLoss loss_named(const std::string& name) {
    return name == "best"            ? RankingLoss::best
           : name == "plackett_luce" ? RankingLoss::plackett_luce
                                     : RankingLoss::pairs;
}

// The margins of all pairs with different ranks, the probability that each is right, and what length alone says of them.
struct Held {
    std::vector<double> margins, labels;
    PairBaselines baselines;

    // A label of ½ prefers neither answer.
    Accuracy accuracy() const {
        Accuracy a;
        for (size_t i = 0; i < margins.size(); ++i)
            if (labels[i] != 0.5) a.add(margins[i]);
        return a;
    }
};

Held judge(RewardTrainer& trainer, const std::vector<RankedAnswers>& examples) {
    std::vector<Sequence> texts;
    for (const RankedAnswers& a : examples) texts.insert(texts.end(), a.texts.begin(), a.texts.end());
    const std::vector<double> scores = trainer.scores(texts);
    Held held;
    std::vector<int64_t> chosen, rejected;
    size_t first = 0;
    for (const RankedAnswers& a : examples) {
        for (size_t i = 0; i < a.texts.size(); ++i)
            for (size_t j = 0; j < a.texts.size(); ++j) {
                if (a.ranks[i] >= a.ranks[j]) continue;
                held.margins.push_back(scores[first + i] - scores[first + j]);
                held.labels.push_back(a.probability < 0 ? 1 : i < j ? a.probability : 1 - a.probability);
                chosen.push_back(a.texts[i].size());
                rejected.push_back(a.texts[j].size());
            }
        first += a.texts.size();
    }
    held.baselines = pair_baselines(chosen, rejected);
    return held;
}

// Mean loss of the pairs as nats, for the loop; the accuracy for people.
ValidationResult validation_of(const Held& held) {
    ValidationResult v;
    for (size_t i = 0; i < held.margins.size(); ++i) v.nats += pairwise_loss(held.margins[i], 0.0, held.labels[i]).loss;
    v.targets = std::max<int64_t>(1, int64_t(held.margins.size()));
    return v;
}

void reward(MpiWorld& world, const Config& given, const RunCommand& o) {
    AlignedRun run(world, given, o);
    const RankedExamples examples = read_rankings(run);
    set_steps(run.config(), run.config().reward.epochs, int64_t(examples.train.size()));
    if (!run.resolve(examples.hash, !examples.val.empty())) return;
    const Resolved& r = run.resolved();
    tell(fmt::format("rankings {} to train on, {} to validate on; {} prompts a step\n", examples.train.size(),
                     examples.val.size(), r.config.train.batch));

    const auto model = run.score_model(r.mode);
    initialise(model->parameters, r.model, r.trainer.seed);
    RewardConfig config{static_cast<const UpdateConfig&>(r.trainer)};
    config.loss = loss_named(r.config.reward.loss);
    config.centring = r.config.reward.centring;
    RewardTrainer trainer(*model, config, run.mesh());
    if (!run.resume()) run.load(model->parameters, run.base_folder(), &trainer.gradient_step().optimizer());
    ScoreFacts facts = score_facts_of(run.load_state(trainer.gradient_step()), "the checkpoint's manifest");

    RewardTrainer::Result last;
    Held held;
    LoopHooks hooks;
    hooks.step = [&](int64_t step, bool) {
        std::vector<RankedAnswers> batch;
        for (const int i : examples_of_step(trainer.gradient_step().sample_step(step), r.config.train.batch,
                                            int64_t(examples.train.size()), r.trainer.seed))
            batch.push_back(examples.train[size_t(i)]);
        last = trainer.step(step, batch);
        return StepResult(last);
    };
    hooks.show = [&](const ShownStep& s) {
        tell(step_line(s, fmt::format("accuracy {:.3f}  score {:+.3f}", last.accuracy.share(), last.mean)));
    };
    if (!examples.val.empty()) {
        hooks.validate = [&](const auto&) {
            held = judge(trainer, examples.val);
            return validation_of(held);
        };
        hooks.show_validation = [&](int64_t step, const ValidationResult& v, double) {
            const Accuracy a = held.accuracy();
            const auto [low, high] = a.interval();
            tell(
                fmt::format("valid {}/{}  loss {:.4f}  accuracy {:.3f} ({:.3f} to {:.3f}) of {} pairs; by length alone "
                            "{:.3f}, by chance 0.5; calibration error {:.3f}\n",
                            step, r.config.train.steps, v.loss(), a.share(), low, high, text_of_whole(int64_t(a.all)),
                            held.baselines.length(), calibration_error(calibration(held.margins, 10, held.labels))));
        };
    }
    hooks.record = [&](nlohmann::ordered_json& line) {
        line["accuracy"] = last.accuracy.share();
        line["score"] = last.mean;
        if (line.contains("val_loss")) {
            const Accuracy accuracy = held.accuracy();
            line["val_accuracy"] = accuracy.share();
            line["val_pairs"] = accuracy.all;
            line["val_accuracy_by_length"] = held.baselines.length();
            const std::vector<CalibrationBin> bins = calibration(held.margins, 10, held.labels);
            line["val_calibration_error"] = calibration_error(bins);
            line["val_calibration"] = nlohmann::ordered_json::array();
            for (const CalibrationBin& b : bins) line["val_calibration"].push_back({b.expected, b.share, b.pairs});
        }
    };
    // The scale of the scores, so that the best answers of the data have a mean of 0.
    const auto measure_scores = [&] {
        Running best;
        std::vector<Sequence> texts;
        const auto& of = examples.val.empty() ? examples.train : examples.val;
        for (size_t i = 0; i < std::min<size_t>(of.size(), 256); ++i)
            for (size_t k = 0; k < of[i].texts.size(); ++k)
                if (of[i].ranks[k] == *std::min_element(of[i].ranks.begin(), of[i].ranks.end()))
                    texts.push_back(of[i].texts[k]);
        for (const double s : trainer.scores(texts)) best.add(s);
        facts = {best.mean, best.sd()};
    };
    run.loop(trainer.gradient_step(), hooks, {.stage = [&] { return json_of(facts); }, .before_save = measure_scores},
             fmt::format("gradus score {0}, or gradus ppo --ppo.reward={0}", r.config.run.dir));
}

}  // namespace

void add_reward_command(CLI::App& app) {
    add_run_command(
        app, Stage::reward,
        "Learns a reward model from rankings: pairs, K ranked answers with ties, or preferences in any of the "
        "common formats (reward.data). All\n"
        "answers to a prompt are one element of a batch. Accuracy on held-out prompts stands beside that of "
        "length alone. The\n"
        "model loads as transformers' AutoModelForSequenceClassification with one label.",
        "gradus reward --model.from=runs/sft --reward.data=rankings.jsonl --run.dir=runs/reward", reward);
}

}  // namespace gradus
