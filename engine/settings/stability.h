#pragma once
// Skipped steps and rollbacks (engine/stability.h).
#include <cstdint>

#include "engine/base/settings.h"

namespace gradus {

struct StabilitySettings {
    static constexpr const char* section = "stability";

    double sigma = 6;
    int64_t window = 128, in_a_row = 3;
    double rate_factor = 0.5;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("sigma", sigma, between(0, 1e6), fixed,
              "a step whose loss or gradient norm is this many standard deviations above the mean of the last steps is"
              " skipped; 0: only NaN and infinity are");
        visit("window", window, between(2, 1 << 20), fixed,
              "number of last steps; no spike is skipped before half of them are known");
        visit("in_a_row", in_a_row, between(1, 1e6), fixed,
              "this many skipped steps in a row cause a rollback: back to the last checkpoint, skipping the offending "
              "batches, at a lower learning rate");
        visit("rate_factor", rate_factor, between(1e-6, 1), fixed,
              "factor of the learning rate after a rollback");
        // clang-format on
    }
};

}  // namespace gradus
