#pragma once
// When the run is saved, and which checkpoints are kept.
#include <cstdint>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

struct CheckpointSettings {
    static constexpr const char* section = "checkpoint";

    int64_t every = 1000;
    bool background = true;
    int64_t keep = 2, keep_every = 0;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("every", every, between(0, largest_count), free,
              "steps between checkpoints; 0: only at the end, and when the run is stopped",
              {"save_every", "save_steps", "save_interval", "checkpoint_interval"});
        visit("background", background, Limits{}, free,
              "write checkpoints in the background, from a copy of the state in the memory of the first rank; false: "
              "training waits, and a single rank needs no copy");
        visit("keep", keep, between(1, 1e6), free,
              "number of newest regular checkpoints to keep",
              {"save_total_limit"});
        visit("keep_every", keep_every, between(0, largest_count), free,
              "also keep every checkpoint whose step is a multiple of this; 0: none");
        // clang-format on
    }
};

}  // namespace gradus
