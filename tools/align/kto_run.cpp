#include "tools/align/kto_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "engine/base/plural.h"
#include "tools/align/judged_examples.h"

namespace gradus {

namespace {

// A mean over the answers with one label, of which a batch may have none.
std::string shown(const char* form, double mean) {
    return std::isnan(mean) ? "none" : fmt::format(fmt::runtime(form), mean);
}
nlohmann::ordered_json or_null(double mean) {
    return std::isnan(mean) ? nlohmann::ordered_json() : nlohmann::ordered_json(mean);
}

std::string rewards_of(const KtoMeans& desirable, const KtoMeans& undesirable) {
    return "rewards " + shown("{:+.3f}", desirable.reward) + " " + shown("{:+.3f}", undesirable.reward);
}

int64_t count_desirable(const std::vector<LabelledExample>& examples) {
    return std::count_if(examples.begin(), examples.end(), [](const LabelledExample& e) { return e.desirable; });
}

void show_examples(const LabelledExamples& examples, const Resolved& r, const KtoConfig& loss) {
    const auto all = int64_t(examples.train.size()), desirable = count_desirable(examples.train);
    tell(fmt::format("answers  {} to train on, {} of them desirable; {} to validate on; {} a step\n", all, desirable,
                     examples.val.size(), r.config.train.batch));
    if (const std::string advice = advice_on_weights(loss, desirable, all - desirable); !advice.empty()) note(advice);
}

}  // namespace

std::string advice_on_weights(const KtoConfig& c, int64_t desirable, int64_t undesirable) {
    if (desirable == 0 || undesirable == 0)
        return fmt::format("none of {} is {}: nothing says what to {}",
                           number_of(std::max(desirable, undesirable), "answer"),
                           desirable == 0 ? "desirable" : "undesirable", desirable == 0 ? "prefer" : "avoid");
    const double D = c.desirable * double(desirable), U = c.undesirable * double(undesirable);
    if (D >= U && 3 * D <= 4 * U) return "";
    constexpr double middle = 7.0 / 6;
    const std::string fix = D < U && U > 0
                                ? fmt::format("dpo.desirable_weight={:.3g}", middle * U / double(desirable))
                                : fmt::format("dpo.undesirable_weight={:.3g}", D / middle / double(undesirable));
    return fmt::format(
        "the desirable answers, {:g} × {}, weigh {} the undesirable ones, {:g} × {}; best is from 1 to 1.33 "
        "times: --set {}",
        c.desirable, desirable, U > 0 ? fmt::format("{:.2f} times", D / U) : "infinitely more than", c.undesirable,
        undesirable, fix);
}

void learn_from_labels(AlignedRun& run) {
    LabelledExamples examples = read_labels(run.config(), run.chat());
    set_steps(run.config(), run.config().dpo.epochs, int64_t(examples.train.size()));
    if (!run.resolve(examples.hash + fingerprint(run.base_folder()), !examples.val.empty())) return;
    const Resolved& r = run.resolved();
    const DpoSettings& s = r.config.dpo;
    KtoTrainerConfig config{static_cast<const UpdateConfig&>(r.trainer)};
    config.loss = {.beta = s.beta, .desirable = s.desirable_weight, .undesirable = s.undesirable_weight};
    show_examples(examples, r, config.loss);

    const auto model = run.language_model(r.mode);
    KtoTrainer trainer(*model, config, run.mesh());
    run.load(model->parameters, run.base_folder(), &trainer.gradient_step().optimizer());
    tell("reference log-probabilities of all answers, after their own prompt and after another, once\n");
    {
        LanguagePass reference(*model);  // the policy is still the reference
        add_reference(reference, examples.train, run.mesh().dp);
        add_reference(reference, examples.val, run.mesh().dp);
    }
    run.load_state(trainer.gradient_step());

    KtoTrainer::Result last;
    LoopHooks hooks;
    hooks.step = [&](int64_t step, bool) {
        std::vector<LabelledExample> batch;
        for (const int i : examples_of_step(trainer.gradient_step().sample_step(step), r.config.train.batch,
                                            int64_t(examples.train.size()), r.trainer.seed))
            batch.push_back(examples.train[size_t(i)]);
        last = trainer.step(step, batch);
        return StepResult(last);
    };
    hooks.show = [&](const ShownStep& shown_step) {
        tell(step_line(
            shown_step,
            fmt::format("KL {:.3f}  {}  log p {} {}", last.kl, rewards_of(last.desirable, last.undesirable),
                        shown("{:.3f}", last.desirable.log_prob), shown("{:.3f}", last.undesirable.log_prob))));
    };
    KtoTrainer::Held held;
    if (!examples.val.empty()) {
        hooks.validate = [&](const auto&) {
            held = trainer.judge(examples.val);
            return ValidationResult{.nats = held.loss, .targets = int64_t(examples.val.size())};
        };
        hooks.show_validation = [&](int64_t step, const ValidationResult& v, double) {
            tell(fmt::format("valid {}/{}  loss {:.4f}  KL {:.3f}  {} of {}\n", step, r.config.train.steps, v.loss(),
                             held.kl, rewards_of(held.desirable, held.undesirable), number_of(v.targets, "answer")));
        };
    }
    hooks.record = [&](nlohmann::ordered_json& line) {
        line["kl"] = last.kl;
        line["desirable_reward"] = or_null(last.desirable.reward);
        line["undesirable_reward"] = or_null(last.undesirable.reward);
        line["desirable_log_prob"] = or_null(last.desirable.log_prob);
        line["undesirable_log_prob"] = or_null(last.undesirable.log_prob);
        if (!line.contains("val_loss")) return;
        line["val_kl"] = held.kl;
        line["val_desirable_reward"] = or_null(held.desirable.reward);
        line["val_undesirable_reward"] = or_null(held.undesirable.reward);
    };
    run.loop(trainer.gradient_step(), hooks, {}, fmt::format("gradus chat {}", r.config.run.dir));
}

}  // namespace gradus
