#pragma once
// Text generated during training.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

struct SampleSettings {
    static constexpr const char* section = "sample";

    int64_t every = 0;
    std::vector<std::string> prompts;
    int64_t tokens = 100;
    double temperature = 0.8;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("every", every, between(0, largest_count), free,
              "steps between samples; 0: none");
        visit("prompts", prompts, Limits{}, free,
              "texts to continue");
        visit("tokens", tokens, between(1, largest_length), free,
              "length of a continuation, in tokens");
        visit("temperature", temperature, between(0, 100), free,
              "sampling temperature; 0: always the most likely token");
        // clang-format on
    }
};

}  // namespace gradus
