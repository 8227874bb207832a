#include "align/collect/session.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "align/collect/typed_ranks.h"
#include "engine/base/error.h"

namespace gradus {

Session::Session(std::vector<Candidates> candidates, std::span<const Ranking> earlier, const RankSchedule& schedule)
    : candidates_(std::move(candidates)),
      schedule_(schedule),
      prompt_at_(schedule.order_of_prompts(candidates_.size())),
      judged_(candidates_.size(), 0) {
    std::unordered_map<uint64_t, size_t> by_identity;
    for (size_t i = 0; i < size(); ++i) by_identity[identity_of(candidates_[i].prompt, candidates_[i].answers)] = i;
    for (const Ranking& r : earlier)
        if (const auto found = by_identity.find(identity_of(r.prompt, r.answers)); found != by_identity.end())
            record(r.rater, found->second);
}

bool Session::is_judged(const std::string& rater, size_t prompt) const {
    const auto found = judged_by_.find(rater);
    return found != judged_by_.end() && found->second.contains(prompt);
}

// Whether the prompt at that place is for this rater, now.
bool Session::is_open(const std::string& rater, size_t place, double now) const {
    const size_t prompt = prompt_at_[place];
    if (schedule_.is_shared(place)) return !is_judged(rater, prompt);
    return judged_[prompt] == 0 && std::none_of(claims_.begin(), claims_.end(), [&](const auto& claim) {
               return claim.first != rater && claim.second.prompt == prompt && seats_.is_taken(claim.first, now);
           });
}

std::vector<int> Session::order_for(const std::string& rater, size_t prompt) const {
    const Candidates& c = candidates_[prompt];
    return schedule_.order_of_answers(rater, identity_of(c.prompt, c.answers), c.answers.size());
}

std::optional<Shown> Session::next(const std::string& rater, double now) {
    const auto claimed = claims_.find(rater);
    std::optional<size_t> first;
    for (size_t place = 0; place < size(); ++place) {
        if (!is_open(rater, place, now)) continue;
        const size_t prompt = prompt_at_[place];
        if (claimed != claims_.end() && claimed->second.prompt == prompt)
            return Shown{prompt, order_for(rater, prompt)};
        if (!first) first = prompt;
    }
    if (!first) return std::nullopt;
    claims_[rater] = {*first, now};
    return Shown{*first, order_for(rater, *first)};
}

RankProgress Session::progress(const std::string& rater, double now) const {
    RankProgress p;
    for (size_t place = 0; place < size(); ++place) {
        p.judged += is_judged(rater, prompt_at_[place]);
        p.left += is_open(rater, place, now);
    }
    return p;
}

std::string Session::problem_of(size_t prompt, std::span<const int> shown_ranks) const {
    if (prompt >= size()) return "there is no such prompt";
    return problem_of_ranks(shown_ranks, candidates_[prompt].answers.size());
}

Ranking Session::ranking(const std::string& rater, size_t prompt, std::span<const int> shown_ranks, double now,
                         const std::string& time) const {
    CHECK(problem_of(prompt, shown_ranks).empty());
    Ranking r;
    r.prompt = candidates_[prompt].prompt;
    r.answers = candidates_[prompt].answers;
    r.models = candidates_[prompt].models;
    r.order = order_for(rater, prompt);
    r.ranks = ranks_of_answers(without_gaps(shown_ranks), r.order);
    r.rater = rater;
    r.time = time;
    const auto claim = claims_.find(rater);
    if (claim != claims_.end() && claim->second.prompt == prompt)
        r.seconds = std::round(1000 * (now - claim->second.since)) / 1000;
    return r;
}

void Session::record(const std::string& rater, size_t prompt) {
    if (judged_by_[rater].insert(prompt).second) ++judged_[prompt];
    const auto claim = claims_.find(rater);
    if (claim != claims_.end() && claim->second.prompt == prompt) claims_.erase(claim);
}

}  // namespace gradus
