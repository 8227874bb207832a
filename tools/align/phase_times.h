#pragma once
// Where the time of an iteration of ppo or grpo goes: a line of the log has ms_answers, ms_scores and ms_updates.
#include <chrono>

#include <nlohmann/json.hpp>

namespace gradus {

class PhaseTimes {
public:
    void begin() {
        last_ = Clock::now();
        answers_ = scores_ = updates_ = 0;
    }
    // Called after each phase, which may have several parts: adds the time since the call before.
    void answers_end() { answers_ += lap(); }
    void scores_end() { scores_ += lap(); }
    void updates_end() { updates_ += lap(); }

    void record(nlohmann::ordered_json& line) const {
        line["ms_answers"] = answers_;
        line["ms_scores"] = scores_;
        line["ms_updates"] = updates_;
    }

private:
    using Clock = std::chrono::steady_clock;

    double lap() {
        const Clock::time_point now = Clock::now();
        const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
        last_ = now;
        return ms;
    }

    Clock::time_point last_;
    double answers_ = 0, scores_ = 0, updates_ = 0;
};

}  // namespace gradus
