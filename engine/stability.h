#pragma once
// Which steps a run takes. A loss or a gradient far outside what the last steps had would cost more than it teaches: the
// step is skipped, its samples are lost and the weights stay. Several in a row mean that the weights themselves have
// diverged: the run rolls back to its last checkpoint, skips the batches that led there, and lowers the learning rate. If it
// diverges again before it has passed the step at which it diverged, it rolls back further: the cause may be in the checkpoint.
//
//   skip       loss or norm is no number, or lies above mean + sigma · deviation of the last `window` steps taken, once
//              half of them are there
//   roll back  after `in_a_row` skipped steps: the data moves on by the steps undone, rate ← rate · rate_factor
//
// All of it follows from numbers that every rank has, bit for bit, so no rank decides alone. The complete state is part of a
// checkpoint: a resumed run decides as the run would have.
// Sources: OLMo-core's SkipStepOptimizer (the window and six deviations); Chowdhery et al. 2022, PaLM (go back and pass the
// data).
#include <cstdint>
#include <deque>
#include <string>

#include "engine/settings/stability.h"

namespace gradus {

struct StabilityConfig {
    double sigma = StabilitySettings{}.sigma;  // 0: only what is no number is skipped
    int window = int(StabilitySettings{}.window);
    int in_a_row = int(StabilitySettings{}.in_a_row);
    double rate_factor = StabilitySettings{}.rate_factor;
};

enum class Verdict { take, not_a_number, loss_spike, norm_spike };
const char* name_of(Verdict);  // "not a number", "loss spike", "gradient spike"

// What a checkpoint keeps of it.
struct StabilityState {
    std::deque<double> losses, norms;  // of the last steps taken
    int64_t skipped_in_a_row = 0, skipped = 0;
    int64_t data_offset = 0;  // steps of samples that rollbacks passed
    double rate = 1;          // factor of the learning rate
    // The last rollback: the steps done before it, and those of the checkpoint it led to; 0: there was none.
    int64_t diverged_at = 0, rolled_back_to = 0;

    bool operator==(const StabilityState&) const = default;
};

class Stability {
public:
    explicit Stability(const StabilityConfig& c = {}) : config_(c) {}

    // Of the step at hand; records it.
    Verdict judge(double loss, double norm);
    bool must_roll_back() const { return state_.skipped_in_a_row >= config_.in_a_row; }
    // A rollback after so many steps leads to a checkpoint of fewer steps than these.
    int64_t rollback_limit(int64_t step) const;
    // The run continues at step `to`, from a checkpoint whose state was `then`, instead of at step `from`.
    void rolled_back(const StabilityState& then, int64_t from, int64_t to);

    const StabilityState& state() const { return state_; }
    void restore(const StabilityState& s) { state_ = s; }

private:
    StabilityConfig config_;
    StabilityState state_;
};

}  // namespace gradus
