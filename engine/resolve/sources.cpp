// Checks that the run has a folder, and that its data, model and length have one source each.
#include <fmt/format.h>

#include "engine/resolve/resolving.h"

namespace gradus {

namespace {

// Of grpo: a reward model, a program, or one of the built-in rewards.
void check_rewards(const Config& c) {
    const GrpoSettings& s = c.grpo;
    const int sources = !s.reward.empty() + !s.reward_command.empty() + (s.exact || !s.pattern.empty());
    if (sources == 0)
        refuse_settings(c, "there is no reward", {"grpo.reward", "grpo.reward_command", "grpo.exact", "grpo.pattern"},
                        "--set grpo.reward=FOLDER, a run of gradus reward; or --set grpo.exact=true");
    if (sources > 1)
        refuse_settings(c, "there is more than one reward",
                        {"grpo.reward", "grpo.reward_command", "grpo.exact", "grpo.pattern"},
                        "keep one of them; a program can combine several: grpo.reward_command");
    if (s.overlong > s.max_tokens)
        refuse_settings(c, "the zone in which answers lose score is longer than an answer",
                        {"grpo.overlong", "grpo.max_tokens"},
                        "--set grpo.overlong=" + std::to_string(s.max_tokens / 4));
    if (s.batch % s.group != 0)
        refuse_settings(c, "the answers of an iteration are not whole groups", {"grpo.batch", "grpo.group"},
                        "--set grpo.batch=" + std::to_string((s.batch / s.group + 1) * s.group));
}

void check_pretraining_text(const Config& c, const char* key) {
    if (c.data.dir.empty())
        refuse_settings(c, "there is no pre-training text to mix in", {key, "data.dir"},
                        "--set data.dir=FOLDER, a folder made by gradus data prepare");
}

// Every stage after pre-training begins with a model, and has a section with what it learns from.
void check_stage_sources(const Config& c) {
    const std::string stage = of_stage(c.stage).name;
    if (c.model.from.empty())
        refuse_settings(c, "there is no model to start from", {"model.from"},
                        "--set model.from=FOLDER, a run of gradus or a Hugging Face model");
    if (!c.model.name.empty())
        refuse_settings(c, "the model has two sources", {"model.name", "model.from"}, "leave out model.name");
    const auto needs = [&](const char* what, const std::string& key, const char* value) {
        refuse_settings(c, what, {key.c_str()}, "--set " + key + "=" + value);
    };
    if (c.stage == Stage::ppo || c.stage == Stage::grpo) {
        if (c.rollouts().prompts.empty()) needs("there are no prompts", stage + ".prompts", "'[\"prompts.jsonl\"]'");
        if (c.stage == Stage::grpo) return check_rewards(c);
        if (c.ppo.reward.empty()) needs("there is no reward", stage + ".reward", "FOLDER, a run of gradus reward");
        if (c.ppo.ptx_weight > 0) check_pretraining_text(c, "ppo.ptx_weight");
        return;
    }
    if (c.examples().data.empty()) needs("there is no data to learn from", stage + ".data", "'[\"examples.jsonl\"]'");
    if (c.stage == Stage::dpo && c.dpo.loss == "kto" && c.train.batch < 2)
        refuse_settings(c, "kto needs more than one answer in a step, to estimate a divergence from",
                        {"dpo.loss", "train.batch"}, "--set train.batch=16");
    if (c.stage == Stage::sft && c.sft.pretrain_share > 0) check_pretraining_text(c, "sft.pretrain_share");
}

}  // namespace

void check_sources(const Config& c) {
    if (c.run.dir.empty()) refuse_settings(c, "the run has no folder", {"run.dir"}, "--set run.dir=runs/NAME");
    if (c.stage != Stage::pretrain) return check_stage_sources(c);
    if (c.data.dir.empty() == c.data.train.empty())
        refuse_settings(
            c, c.data.dir.empty() ? "there is no data to train on" : "there are two sources of data",
            {"data.dir", "data.train"},
            c.data.dir.empty()
                ? "--set data.dir=FOLDER, a folder made by: gradus data prepare TEXTS --tokenizer FILE --out FOLDER"
                : "keep data.dir or data.train, not both");
    if (!c.model.name.empty() && !c.model.from.empty())
        refuse_settings(c, "the model has two sources", {"model.name", "model.from"},
                        "keep model.name or model.from, not both");
    const auto steps = c.written_at.find("train.steps");
    if (c.train.minutes > 0 && steps != c.written_at.end() && steps->second.starts_with("--"))
        refuse_settings(c, "the length of the run is given twice", {"train.steps", "train.minutes"},
                        fmt::format("--set train.minutes=0 for {} steps, or leave out train.steps", c.train.steps));
    if (c.sample.every > 0 && c.sample.prompts.empty())
        refuse_settings(c, "there is nothing to sample from", {"sample.every", "sample.prompts"},
                        "--set 'sample.prompts=[\"Once upon\"]'");
}

}  // namespace gradus
