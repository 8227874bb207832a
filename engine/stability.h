#pragma once
// Skips bad steps and rolls back after divergence. A step whose loss or gradient norm is an outlier among the last
// steps would do more harm than good: it is skipped, and its samples are not used again. Several skipped steps in a row
// mean that the weights themselves have diverged: the run rolls back to its last checkpoint, skips the batches since
// then, and lowers the learning rate. If it diverges again before it has passed the step of the divergence, it rolls
// back further, since that checkpoint may be the cause.
//
//   skip       loss or norm is NaN or infinite, or above mean + sigma · deviation of the last `window` steps taken,
//              once half of them are known
//   roll back  after `in_a_row` skipped steps: the data is advanced by the undone steps, rate ← rate · rate_factor
//
// Verdicts depend only on numbers that are equal on every rank, bit for bit, so all ranks agree. The complete state is
// part of a checkpoint: a resumed run takes the same decisions. Sources: OLMo-core's SkipStepOptimizer (the window and
// six deviations); Chowdhery et al. 2022, PaLM (roll back and skip batches).
#include <cstdint>
#include <deque>
#include <string>

#include "engine/settings/stability.h"

namespace gradus {

struct StabilityConfig {
    double sigma = StabilitySettings{}.sigma;  // 0: only NaN and infinity are skipped
    int window = int(StabilitySettings{}.window);
    int in_a_row = int(StabilitySettings{}.in_a_row);
    double rate_factor = StabilitySettings{}.rate_factor;
};

enum class Verdict { take, not_a_number, loss_spike, norm_spike };
const char* name_of(Verdict);  // "not a number", "loss spike", "gradient spike"

// The state saved in a checkpoint.
struct StabilityState {
    std::deque<double> losses, norms;  // of the last `window` steps taken
    int64_t skipped_in_a_row = 0, skipped = 0;
    int64_t data_offset = 0;  // steps of samples skipped by rollbacks
    double rate = 1;          // factor of the learning rate
    // The last rollback: the step it started from, and the step of the checkpoint it loaded; 0: none.
    int64_t diverged_at = 0, rolled_back_to = 0;

    bool operator==(const StabilityState&) const = default;
};

class Stability {
public:
    explicit Stability(const StabilityConfig& c = {}) : config_(c) {}

    // The verdict on the current step, which it records.
    Verdict judge(double loss, double norm);
    bool must_roll_back() const { return state_.skipped_in_a_row >= config_.in_a_row; }
    // A rollback at step `step` must load a checkpoint of an earlier step than the returned one.
    int64_t rollback_limit(int64_t step) const;
    // After a rollback from step `from` to the checkpoint of step `to`, whose state was `then`.
    void rolled_back(const StabilityState& then, int64_t from, int64_t to);

    const StabilityState& state() const { return state_; }
    void restore(const StabilityState& s) { state_ = s; }

private:
    StabilityConfig config_;
    StabilityState state_;
};

}  // namespace gradus
