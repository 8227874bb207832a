#pragma once
// The collection of rankings while people are at work: who is shown which prompt, and what was judged.
//
//   Session session(candidates, file.rankings(), {.seed = 1, .overlap = 0.2});
//   if (std::optional<Shown> shown = session.next("ada", now)) …     the same one until it is judged
//   Ranking r = session.ranking("ada", shown->prompt, ranks, now, time);
//   file.append(r);                                                   on the disk first
//   session.record("ada", shown->prompt);                             then it counts as judged
//
// A prompt that is not shared (schedule.h) is for the first rater who comes to it; while that person is at work, nobody
// else is shown it. Rankings of earlier sessions count for all raters: a prompt is recognised by its text and
// answers. Times are seconds of any clock. Not safe for several threads at once.
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "align/collect/candidates.h"
#include "align/collect/schedule.h"
#include "align/collect/seats.h"
#include "align/examples/example.h"

namespace gradus {

struct Shown {
    size_t prompt;           // index into the candidates
    std::vector<int> order;  // of its answers (schedule.h)
};

struct RankProgress {
    int64_t judged = 0;  // by this rater, of the present prompts
    int64_t left = 0;    // for this rater, if nobody else takes them
};

class Session {
public:
    Session(std::vector<Candidates> candidates, std::span<const Ranking> earlier, const RankSchedule& schedule);

    const Candidates& candidates(size_t prompt) const { return candidates_[prompt]; }
    size_t size() const { return candidates_.size(); }
    Seats& seats() { return seats_; }

    // Empty: nothing is left for this rater.
    std::optional<Shown> next(const std::string& rater, double now);
    RankProgress progress(const std::string& rater, double now) const;
    bool is_judged(const std::string& rater, size_t prompt) const;

    // Why ranks of the shown places cannot be those of this prompt; "" if they can.
    std::string problem_of(size_t prompt, std::span<const int> shown_ranks) const;
    // What is to be written. Ranks have no gaps; the seconds are those since the prompt was first shown.
    Ranking ranking(const std::string& rater, size_t prompt, std::span<const int> shown_ranks, double now,
                    const std::string& time) const;
    void record(const std::string& rater, size_t prompt);

private:
    struct Claim {
        size_t prompt;
        double since;
    };
    bool is_open(const std::string& rater, size_t place, double now) const;
    std::vector<int> order_for(const std::string& rater, size_t prompt) const;

    std::vector<Candidates> candidates_;
    RankSchedule schedule_;
    std::vector<size_t> prompt_at_;  // of each place
    std::vector<int64_t> judged_;    // how many raters have judged a prompt
    std::map<std::string, std::set<size_t>> judged_by_;
    std::map<std::string, Claim> claims_;  // the prompt that a rater is shown
    Seats seats_;
};

}  // namespace gradus
