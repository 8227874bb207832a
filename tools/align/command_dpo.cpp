// gradus dpo: a policy from preferences, without a reward model.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/align/judged_examples.h"
#include "tools/align/kto_run.h"
#include "tools/align/show_judged.h"
#include "tools/cli.h"

namespace gradus {

namespace {

PreferenceKind loss_of(const std::string& name) {
    if (name == "robust") return PreferenceKind::robust;
    if (name == "ipo") return PreferenceKind::ipo;
    if (name == "hinge") return PreferenceKind::hinge;
    if (name == "simpo") return PreferenceKind::simpo;
    return name == "orpo" ? PreferenceKind::orpo : PreferenceKind::dpo;
}

void dpo(MpiWorld& world, const Config& given, const RunCommand& o) {
    if (o.check_data > 0) {
        if (o.json) silence_output();
        if (world.rank() == 0) show_judged(given, o.check_data, o.json);
        return;
    }
    AlignedRun run(world, given, o);
    if (run.config().dpo.loss == "kto") return learn_from_labels(run);
    PreferenceExamples examples = read_preferences(run.config(), run.chat());
    set_steps(run.config(), run.config().dpo.epochs, int64_t(examples.train.size()));
    if (!run.resolve(examples.hash + fingerprint(run.base_folder()), !examples.val.empty())) return;
    const Resolved& r = run.resolved();
    const DpoSettings& s = r.config.dpo;
    tell(fmt::format("pairs    {} to train on, {} to validate on; {} a step\n", examples.train.size(),
                     examples.val.size(), r.config.train.batch));

    const auto model = run.language_model(r.mode);
    PreferenceTrainerConfig config{static_cast<const UpdateConfig&>(r.trainer)};
    config.loss = {.kind = loss_of(s.loss),
                   .beta = s.beta,
                   .smoothing = s.label_smoothing,
                   .margin = s.margin,
                   .odds = s.odds,
                   .nll = s.nll};
    PreferenceTrainer trainer(*model, config, run.mesh());
    run.load(model->parameters, run.base_folder(), &trainer.gradient_step().optimizer());
    if (s.loss != "simpo" && s.loss != "orpo") {
        // The policy is still the reference.
        tell("reference log-probabilities of all pairs, once\n");
        LanguagePass reference(*model);
        add_reference(reference, examples.train, run.mesh().dp);
        add_reference(reference, examples.val, run.mesh().dp);
    }
    run.load_state(trainer.gradient_step());

    PreferenceTrainer::Result last;
    LoopHooks hooks;
    hooks.step = [&](int64_t step, bool) {
        std::vector<PreferenceExample> batch;
        for (const int i : examples_of_step(trainer.gradient_step().sample_step(step), r.config.train.batch,
                                            int64_t(examples.train.size()), r.trainer.seed))
            batch.push_back(examples.train[size_t(i)]);
        last = trainer.step(step, batch);
        return StepResult(last);
    };
    hooks.show = [&](const ShownStep& shown) {
        tell(step_line(shown, fmt::format("accuracy {:.3f}  rewards {:+.3f} {:+.3f}  log p {:.3f} {:.3f}",
                                          last.accuracy.share(), last.chosen_reward, last.rejected_reward,
                                          last.chosen_log_prob, last.rejected_log_prob)));
    };
    PreferenceTrainer::Held held;
    if (!examples.val.empty()) {
        hooks.validate = [&](const auto&) {
            held = trainer.judge(examples.val);
            return ValidationResult{.nats = held.loss, .targets = int64_t(examples.val.size())};
        };
        hooks.show_validation = [&](int64_t step, const ValidationResult& v, double) {
            const auto [low, high] = held.accuracy.interval();
            tell(fmt::format("valid {}/{}  loss {:.4f}  accuracy {:.3f} ({:.3f} to {:.3f}) of {} pairs\n", step,
                             r.config.train.steps, v.loss(), held.accuracy.share(), low, high, v.targets));
        };
    }
    hooks.record = [&](nlohmann::ordered_json& line) {
        line["accuracy"] = last.accuracy.share();
        line["chosen_reward"] = last.chosen_reward;
        line["rejected_reward"] = last.rejected_reward;
        line["chosen_log_prob"] = last.chosen_log_prob;
        line["rejected_log_prob"] = last.rejected_log_prob;
        if (line.contains("val_loss")) {
            line["val_accuracy"] = held.accuracy.share();
            line["val_pairs"] = held.accuracy.all;
        }
    };
    run.loop(trainer.gradient_step(), hooks, {}, fmt::format("gradus chat {}", r.config.run.dir));
}

}  // namespace

void add_dpo_command(CLI::App& app) {
    add_run_command(
        app, Stage::dpo,
        "Aligns a model with preferences directly (DPO, IPO, SimPO, ORPO, …), or with single answers that are "
        "labelled good or bad (KTO:\n"
        "dpo.loss=kto), without a reward model. The reference's log-probabilities are computed once, before "
        "the first step.",
        "gradus dpo --model.from=runs/sft --dpo.data=preferences.jsonl --run.dir=runs/dpo", dpo);
}

}  // namespace gradus
