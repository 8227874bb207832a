#include "engine/stability.h"

#include <cmath>
#include <limits>
#include <utility>

namespace gradus {

namespace {

bool is_spike(const std::deque<double>& before, double x, const StabilityConfig& c) {
    if (c.sigma <= 0 || before.size() < size_t(c.window + 1) / 2 || before.size() < 2) return false;
    double sum = 0, squares = 0;
    for (double y : before) sum += y;
    const double mean = sum / double(before.size());
    for (double y : before) squares += (y - mean) * (y - mean);
    return x > mean + c.sigma * std::sqrt(squares / double(before.size() - 1));
}

}  // namespace

const char* name_of(Verdict v) {
    switch (v) {
        case Verdict::take: return "taken";
        case Verdict::not_a_number: return "not a number";
        case Verdict::loss_spike: return "loss spike";
        case Verdict::norm_spike: return "gradient spike";
    }
    return "?";
}

Verdict Stability::judge(double loss, double norm) {
    const Verdict verdict = !std::isfinite(loss) || !std::isfinite(norm) ? Verdict::not_a_number
                            : is_spike(state_.losses, loss, config_)     ? Verdict::loss_spike
                            : is_spike(state_.norms, norm, config_)      ? Verdict::norm_spike
                                                                         : Verdict::take;
    if (verdict != Verdict::take) {
        ++state_.skipped_in_a_row;
        ++state_.skipped;
        return verdict;
    }
    state_.skipped_in_a_row = 0;
    for (auto [list, x] : {std::pair{&state_.losses, loss}, {&state_.norms, norm}}) {
        list->push_back(x);
        if (list->size() > size_t(config_.window)) list->pop_front();
    }
    return verdict;
}

int64_t Stability::rollback_limit(int64_t step) const {
    return step <= state_.diverged_at ? state_.rolled_back_to : std::numeric_limits<int64_t>::max();
}

void Stability::rolled_back(const StabilityState& then, int64_t from, int64_t to) {
    state_.losses = then.losses;
    state_.norms = then.norms;
    state_.skipped_in_a_row = 0;
    state_.data_offset += from - to;
    state_.rate *= config_.rate_factor;
    state_.diverged_at = from;
    state_.rolled_back_to = to;
}

}  // namespace gradus
