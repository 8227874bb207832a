#pragma once
// The loss on held-out text.
#include <cstdint>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

struct ValidationSettings {
    static constexpr const char* section = "validation";

    int64_t every = 250, windows = 0, patience = 0;
    bool keep_best = false;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("every", every, between(0, largest_count), free,
              "steps between validations; 0: only at the end",
              {"eval_interval", "eval_every", "eval_steps"});
        visit("windows", windows, between(0, largest_count), free,
              "sequences of the validation set; 0: all of it",
              {"eval_iters"});
        visit("keep_best", keep_best, Limits{}, free,
              "keep the checkpoint of the lowest validation loss, RUN/checkpoints/best, beside those of the section "
              "checkpoint",
              {"load_best_model_at_end", "save_best"});
        visit("patience", patience, between(0, largest_count), free,
              "end the run after this many validations without a lower loss, and keep the best checkpoint; 0: never",
              {"early_stopping_patience", "early_stopping"});
        // clang-format on
    }
};

}  // namespace gradus
