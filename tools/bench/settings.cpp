#include "tools/bench/settings.h"

#include <fmt/format.h>

#include "engine/base/log.h"

namespace gradus {

Config bench_config(const std::string& command, Config options, const std::vector<std::string>& assignments,
                    const UnusedSettings& unused) {
    for (const std::string& a : assignments) {
        const Setting setting = parse_assignment(a);
        apply_settings(options, {setting});
        for (const std::string& name : unused.settings)
            if (name.ends_with('.') ? setting.key.starts_with(name) : setting.key == name)
                throw Error(fmt::format("{} does not use '{}'", command, setting.key), unused.why,
                            "remove " + setting.key);
    }
    return options;
}

Config generation_bench_config(const std::string& command, const std::string& model, const ComputeOptions& compute,
                               const std::vector<std::string>& assignments) {
    Config c;
    c.model.name = model;
    c.train.dtype = compute.dtype;
    c.train.device = compute.device;
    c.train.threads = compute.threads;
    c.written_at = {{"model.name", "--model"}};
    return bench_config(command, c, assignments,
                        {"it generates text from random weights and does not train",
                         {"run.", "data.", "validation.", "checkpoint.", "sample.", "mesh.", "optimizer.", "stability.",
                          "loss.", "train.steps", "train.minutes", "train.autotune", "train.batch", "train.micro_batch",
                          "train.memory", "train.context", "train.dropout", "train.recompute"}});
}

Resolved resolve_bench(Config c, int ranks) {
    c.run.dir = c.data.dir = "none";
    DataFacts facts;
    facts.vocab = c.model.vocab > 0 ? int(c.model.vocab) : named_model(c.model.name).V;
    return resolve(c, facts, std::nullopt, ranks);
}

}  // namespace gradus
