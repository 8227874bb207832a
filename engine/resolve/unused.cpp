// Notes settings that were written but have no effect in combination with others.
#include "engine/resolve/resolving.h"

namespace gradus {

void note_unused(Resolving& r) {
    const Config& c = r.c;
    const Config usual(c.stage);
    const auto unused = [&](const char* key, bool differs, const std::string& why) {
        if (differs && c.written_at.contains(key)) r.notes.push_back(cited(c, key) + " has no effect: " + why);
    };
    if (c.stage == Stage::dpo) {
        const DpoSettings &s = c.dpo, &d = usual.dpo;
        const bool kto = s.loss == "kto";
        const std::string why = "dpo.loss is " + s.loss;
        unused("dpo.label_smoothing", kto && s.label_smoothing != d.label_smoothing, why);
        unused("dpo.nll", kto && s.nll != d.nll, why);
        unused("dpo.desirable_weight", !kto && s.desirable_weight != d.desirable_weight, why);
        unused("dpo.undesirable_weight", !kto && s.undesirable_weight != d.undesirable_weight, why);
    }
    if (c.optimizer.schedule == "constant")
        unused("optimizer.min_lr", c.optimizer.min_lr != usual.optimizer.min_lr,
               "the schedule constant never lowers the learning rate");
    if (c.optimizer.kind == "adamw")
        unused("optimizer.momentum", c.optimizer.momentum != usual.optimizer.momentum, "it is for Muon only");
    if (c.train.device != "cuda")
        unused("train.gpu", c.train.gpu != usual.train.gpu, "train.device is " + c.train.device);
    if (c.train.device == "cpu") {
        unused("train.graphs", c.train.graphs, "train.device is cpu");
        unused("train.matmul", c.train.matmul != usual.train.matmul, "train.device is cpu");
        unused("train.attention", c.train.attention != usual.train.attention, "train.device is cpu");
    }
    if (c.train.device == "cpu" || c.train.dtype != "f32")
        unused("train.tf32", c.train.tf32,
               c.train.device == "cpu" ? "train.device is cpu" : "train.dtype is " + c.train.dtype);
    if (c.train.micro_batch > 0) unused("train.memory", c.train.memory > 0, "train.micro_batch is given");
    if (!r.data.validates) {
        unused("validation.keep_best", c.validation.keep_best, "there is no validation data");
        unused("validation.patience", c.validation.patience > 0, "there is no validation data");
    }
    if (c.sample.every == 0 && !c.written_at.contains("sample.every"))
        unused("sample.prompts", !c.sample.prompts.empty(), "sample.every is 0");
}

}  // namespace gradus
