#pragma once
// Shared by the parts of resolve(): the settings, which each part completes, and its inputs.
#include <initializer_list>

#include "engine/resolve.h"

namespace gradus {

struct Resolving {
    Config c;
    const DataFacts& data;
    const std::optional<ModelConfig>& base;  // the weights to start from
    int ranks;
    std::vector<std::string> notes = {};

    [[noreturn]] void refuse(const std::string& what, std::initializer_list<const char*> keys,
                             const std::string& fix) const;
    int64_t in_steps(double duration) const { return gradus::in_steps(duration, c.train.steps); }
};

// In the order in which resolve() calls them.
ModelConfig resolve_model(Resolving&);
void resolve_contexts(Resolving&, const ModelConfig&);  // of resolve_model(): train.context and model.context
void check_schedule(Resolving&);
void check_rounding(const Resolving&);
MeshSizes resolve_mesh(const Resolving&);
int64_t resolve_micro_batch(Resolving&, const ModelConfig&, const MeshSizes&);
TrainerConfig trainer_config(const Config&, int64_t micro_batch);
void note_unused(Resolving&);

// "optimizer.lr = 0.001 (recipe.toml:12:1)"
std::string cited(const Config&, const std::string& key);
// Error whose cause cites the settings.
[[noreturn]] void refuse_settings(const Config&, const std::string& what, std::initializer_list<const char*> keys,
                                  const std::string& fix);

}  // namespace gradus
