#pragma once
// Terms of the loss besides the cross-entropy.
#include "engine/base/settings.h"

namespace gradus {

struct LossSettings {
    static constexpr const char* section = "loss";

    double label_smoothing = 0, z_loss = 0;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("label_smoothing", label_smoothing, between(0, 0.99), fixed,
              "share of the target probability spread over all tokens",
              {"smoothing"});
        visit("z_loss", z_loss, between(0, 1), fixed,
              "weight of the squared log-sum-exp of the logits, which keeps them near zero");
        // clang-format on
    }
};

}  // namespace gradus
