#include "engine/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gradus {

Decay decay_named(const std::string& schedule) {
    if (schedule == "constant") return Decay::constant;
    if (schedule == "cosine") return Decay::cosine;
    return schedule == "linear" ? Decay::linear : Decay::wsd;
}

double learning_rate(const Schedule& s, int64_t step) {
    if (step < s.warmup) return s.lr * double(step + 1) / double(s.warmup);
    // The progress of the decay: 0 up to the step before `from`, 1 at the last step before `to`.
    auto share = [step](int64_t from, int64_t to) {
        return std::clamp(double(step + 1 - from) / double(std::max<int64_t>(to - from, 1)), 0.0, 1.0);
    };
    switch (s.decay) {
        case Decay::constant: return s.lr;
        case Decay::cosine:
            return s.min_lr + 0.5 * (s.lr - s.min_lr) * (1 + std::cos(std::numbers::pi * share(s.warmup, s.steps)));
        case Decay::linear: return std::lerp(s.lr, s.min_lr, share(s.warmup, s.steps));
        case Decay::wsd: return std::lerp(s.lr, s.min_lr, share(std::max(s.warmup, s.steps - s.cooldown), s.steps));
    }
    return s.lr;
}

}  // namespace gradus
