#include "tools/align/policy_run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cstring>

#include "align/batches/share.h"
#include "align/samples/samples.h"
#include "align/samples/weighted_file.h"
#include "align/statistics/running.h"
#include "engine/base/json_text.h"
#include "engine/base/philox.h"
#include "engine/base/plural.h"
#include "engine/checkpoint/checksum.h"
#include "engine/checkpoint/weights.h"
#include "tokenizer/stream_decoder.h"
#include "tools/align/judged_examples.h"
#include "tools/align/same_tokenizer.h"
#include "tools/model_folder.h"

namespace gradus {

namespace {

// A rollout as bytes for the other ranks, and back.
std::string packed(const Rollout& r) {
    const int32_t head[] = {r.prompt_length, int32_t(r.ended), r.text.size()};
    std::string bytes(reinterpret_cast<const char*>(head), sizeof head);
    bytes.append(reinterpret_cast<const char*>(r.text.ids.data()), r.text.ids.size() * sizeof(int32_t));
    return bytes;
}

Rollout unpacked(const std::string& bytes, size_t& at) {
    int32_t head[3];
    std::memcpy(head, bytes.data() + at, sizeof head);
    at += sizeof head;
    Rollout r{.prompt_length = head[0], .ended = head[1] != 0};
    r.text.ids.resize(size_t(head[2]));
    std::memcpy(r.text.ids.data(), bytes.data() + at, r.text.ids.size() * sizeof(int32_t));
    at += r.text.ids.size() * sizeof(int32_t);
    for (int t = 0; t < r.text.size(); ++t) r.text.learnt.push_back(t >= r.prompt_length);
    return r;
}

}  // namespace

PolicyPrompts read_prompts(AlignedRun& run) {
    const RolloutSettings& s = run.config().rollouts();
    const int64_t room = run.config().train.context - s.max_tokens;
    if (room < 1)
        throw Error(
            fmt::format("answers of {} tokens leave no room for a prompt", s.max_tokens),
            fmt::format("train.context = {}", run.config().train.context),
            fmt::format("--set {}.max_tokens={}", of_stage(run.config().stage).name, run.config().train.context / 2));
    PolicyPrompts all;
    std::string hashes;
    size_t dropped = 0;
    for (const std::string& path : s.prompts) {
        hashes += hexadecimal(checksum_of(read_file(path)));
        const ExampleFile file = read_examples(path, {.format = s.format}, needs_of(run.config().stage, Kind::prompt));
        tell(fmt::format("examples {}\n", summary_of(file)));
        for (size_t i = 0; i < file.examples.size(); ++i) {
            const auto& q = file.at<Question>(i);
            std::vector<int32_t> ids = fitted_prompt(q.prompt, run.chat(), int(room));
            if (ids.empty()) {
                ++dropped;
                continue;
            }
            all.ids.push_back(std::move(ids));
            all.texts.push_back(q.prompt);
            all.references.push_back(q.reference);
        }
    }
    if (dropped > 0 && !all.ids.empty())
        note(fmt::format("left out: {} that do not fit into {} tokens", number_of(int64_t(dropped), "prompt"), room));
    if (all.ids.empty())
        throw Error("there are no prompts to answer", fmt::format("none of {} fits into {} tokens", dropped, room),
                    "raise train.context, or lower max_tokens");
    all.hash = hexadecimal(checksum_of(hashes + json_of(run.chat().chat_template())));
    return all;
}

std::vector<int> prompts_at(int64_t first, int64_t wanted, int64_t group, int64_t prompts, uint64_t seed) {
    std::vector<int> chosen;
    for (const int p : examples_at(first, wanted, prompts, seed)) chosen.insert(chosen.end(), size_t(group), p);
    return chosen;
}

std::vector<Rollout> roll_out_on_ranks(Generator& generator, const PolicyPrompts& prompts,
                                       const std::vector<int>& chosen, const RolloutOptions& options, const Comm& dp) {
    const Share mine = share_of(int(chosen.size()), dp);
    std::vector<std::vector<int32_t>> ids;
    for (int i = mine.first; i < mine.last; ++i) ids.push_back(prompts.ids[size_t(chosen[size_t(i)])]);
    RolloutOptions own = options;
    own.first_stream = options.first_stream + uint64_t(mine.first);
    const std::vector<Rollout> here = roll_out(generator, ids, own);
    if (dp.size == 1) return here;
    std::string bytes;
    for (const Rollout& r : here) bytes += packed(r);
    std::vector<Rollout> all;
    for (const std::string& of_rank : dp.gather(bytes))
        for (size_t at = 0; at < of_rank.size();) all.push_back(unpacked(of_rank, at));
    return all;
}

PolicyRollouts::PolicyRollouts(const AlignedRun& run, const PolicyPrompts& prompts, LanguageModel& policy,
                               int64_t group)
    : run_(run),
      prompts_(prompts),
      settings_(run.resolved().config.rollouts()),
      group_(group),
      generator_(policy, {.sequences = int(std::min(settings_.at_once, settings_.batch)),
                          .context = int(run.resolved().config.train.context),
                          .rows = int(std::max<int64_t>(128, 2 * settings_.at_once))}) {}

std::vector<int> PolicyRollouts::chosen_in(int64_t iteration) const {
    const int64_t prompts = settings_.batch / group_;
    return chosen_at(iteration * prompts, prompts);
}

std::vector<int> PolicyRollouts::chosen_at(int64_t first_prompt, int64_t prompts) const {
    return prompts_at(first_prompt, prompts, group_, int64_t(prompts_.ids.size()), run_.resolved().trainer.seed);
}

std::vector<Rollout> PolicyRollouts::answers_to(const std::vector<int>& chosen, int64_t iteration, int64_t before) {
    const RolloutOptions options = {.max_tokens = int(settings_.max_tokens),
                                    .temperature = settings_.temperature,
                                    .seed = key_of(run_.resolved().trainer.seed, iteration + 1),
                                    .first_stream = uint64_t(before),
                                    .ends = {run_.chat().end_of_turn()}};
    return roll_out_on_ranks(generator_, prompts_, chosen, options, run_.mesh().dp);
}

LockedFolder open_reward_model(const AlignedRun& run, const MpiWorld& world, const std::string& named) {
    const LockedFolder folder = model_folder(named, VerifyLevel::model, world.all());
    require_reward_model(folder.path);
    const std::string same_base =
        "train the reward model from the same base: gradus reward --model.from=" + run.base_folder().string();
    require_same_tokenizer(run.chat().tokenizer(), folder.path, "the reward model", same_base);
    const std::vector<std::string> other =
        differences(read_model_config(folder.path), read_model_config(run.base_folder()));
    if (!other.empty())
        throw Error("the reward model is not of the policy's architecture and size",
                    fmt::format("'{}' has {}", folder.path.string(), fmt::join(other, "; ")), same_base);
    return folder;
}

Reward reward_by_model(const AlignedRun& run, const fs::path& folder) {
    const std::shared_ptr<ScoreModel> model = run.score_model({.parts = run.resolved().mode.parts});
    run.load(model->parameters, folder);
    const auto pass = std::make_shared<ScorePass>(*model);
    return [model, pass, dp = run.mesh().dp](const std::vector<int>&, const std::vector<Rollout>& answers) {
        std::vector<Sequence> texts;
        for (const Rollout& a : answers) texts.push_back(a.text);
        AnswerScores all;
        for (const double score : scores_of(*pass, texts, dp)) all.add(score);
        return all;
    };
}

double remembered(const std::string& stage, const char* key, double otherwise) {
    if (stage.empty()) return otherwise;
    const nlohmann::json j = parse_json(stage, "the checkpoint's manifest", "start another run");
    const auto found = j.find(key);
    return found != j.end() && found->is_number() ? found->get<double>() : otherwise;
}

ScoreShape shape_of_scores(const AlignedRun& run, const std::function<AnswerScores()>& of_first_policy) {
    const RolloutSettings& s = run.resolved().config.rollouts();
    ScoreShape shape = {.clip = s.score_clip, .missing_end = s.missing_end};
    if (run.resume()) {
        shape.mean = remembered(run.resume()->state.stage, "score_mean", 0);
        shape.sd = remembered(run.resume()->state.stage, "score_sd", 1);
        return shape;
    }
    const AnswerScores first = of_first_policy();
    require_finite(first.scores, first.scored);
    Running of_start;
    for (size_t i = 0; i < first.scores.size(); ++i)
        if (first.scored[i]) of_start.add(first.scores[i]);
    shape.mean = of_start.mean;
    shape.sd = of_start.sd() > 0 ? of_start.sd() : 1;
    return shape;
}

PolicySamples::PolicySamples(const AlignedRun& run, const PolicyPrompts& prompts) : run_(run), prompts_(prompts) {}

void PolicySamples::write(int64_t iteration, const std::vector<int>& chosen, const std::vector<Rollout>& answers,
                          const AnswerScores& scores) {
    if (!run_.is_first()) return;
    if (!file_) file_.emplace(fs::path(run_.resolved().config.run.dir) / "samples.jsonl", iteration);
    constexpr size_t shown = 3;
    for (size_t i = 0; i < std::min(shown, answers.size()); ++i) {
        const Rollout& r = answers[i];
        const std::span<const int32_t> ids(r.text.ids.data() + r.prompt_length, size_t(r.answer_length()));
        nlohmann::ordered_json line = {{"step", iteration + 1},
                                       {"prompt", prompts_.texts[size_t(chosen[i])].back().content},
                                       {"text", replace_invalid_utf8(run_.chat().answer_of(ids).text)},
                                       {"score", scores.scores[i]},
                                       {"ended", r.ended}};
        if (!scores.scored[i]) line["score"] = nullptr;
        file_->write(line);
    }
}

void PolicySamples::add_hooks(LoopHooks& hooks) {
    hooks.sync = [this] {
        if (file_) file_->sync();
    };
    hooks.remove_after = [this](int64_t step) {
        if (file_) file_->remove_after(step);
    };
}

StepResult step_of(int64_t iteration, const PolicyStats& stats, double length, int64_t answers) {
    StepResult result{.step = iteration, .loss = stats.loss};
    result.grad_norm = stats.grad_norm;
    result.lr = stats.lr;
    result.tokens = int64_t(length * double(answers));
    return result;
}

void record_policy(nlohmann::ordered_json& line, const PolicyStats& stats) {
    line["clip_fraction"] = stats.ratios.clip_fraction();
    line["ratio"] = stats.ratios.mean_ratio();
    line["largest_ratio"] = stats.ratios.largest;
    line["first_ratio_error"] = stats.first_ratio_error;
    line["updates"] = stats.updates;
    line["skipped_updates"] = stats.skipped;
}

std::vector<std::string> warnings_of(int64_t iteration, const PolicyStats& stats, double kl) {
    constexpr double least_kl = -1;  // of samples of the policy, its mean is at least 0
    std::vector<std::string> texts;
    if (stats.skipped > 0)
        texts.push_back(fmt::format(
            "iteration {}: {:g} of {:g} updates are skipped, whose ratio, loss or gradient is out of bounds; lower "
            "optimizer.lr if it goes on",
            iteration + 1, stats.skipped, stats.updates + stats.skipped));
    if (kl < least_kl)
        texts.push_back(fmt::format(
            "iteration {}: answers are {:.2f} nats less likely under the policy that gave them than under the "
            "reference; too few answers, or sampling is not what is trained: compare temperatures and dtypes",
            iteration + 1, -kl));
    return texts;
}

UpdateConfig in_updates(const UpdateConfig& c, int64_t per_step) {
    UpdateConfig u = c;
    u.schedule.steps *= per_step;
    u.schedule.warmup *= per_step;
    u.schedule.cooldown *= per_step;
    return u;
}

}  // namespace gradus
