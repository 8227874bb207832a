#pragma once
// The loss on held-out text.
#include <cstdint>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

struct ValidationSettings {
    static constexpr const char* section = "validation";

    int64_t every = 250, windows = 0;

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
        // clang-format on
    }
};

}  // namespace gradus
