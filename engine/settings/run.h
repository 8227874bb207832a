#pragma once
// The run's folder.
#include <string>

#include "engine/base/settings.h"

namespace gradus {

struct RunSettings {
    static constexpr const char* section = "run";

    std::string dir;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("dir", dir, Limits{}, free,
              "folder of the run: its log, samples and checkpoints",
              {"out_dir", "output_dir", "log_dir"});
        // clang-format on
    }
};

}  // namespace gradus
