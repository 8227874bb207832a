#pragma once
// What a file of rankings says about its raters: how much each has judged, how long it took, and how far they agree
// (align/statistics/agreement.h).
//
//   κ   Cohen's, for two raters, over all pairs of answers of the prompts that both have ranked
//   α   Krippendorff's ordinal α of the ranks, over all answers that two raters or more have ranked
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "align/examples/example.h"

namespace gradus {

struct RaterSummary {
    std::string rater;
    int64_t rankings = 0;
    double seconds = 0;  // median of a ranking
    double ties = 0;     // share of the pairs of answers
};

struct RaterAgreement {
    std::string one, other;
    int64_t prompts = 0, pairs = 0;  // prompts that both have ranked, pairs of answers of these
    std::optional<double> kappa;     // empty: nobody could have disagreed
};

struct RankingReport {
    int64_t rankings = 0, prompts = 0;
    int64_t shared_prompts = 0;  // ranked by two raters or more
    std::vector<RaterSummary> raters;
    std::vector<RaterAgreement> agreements;  // of any two raters with common prompts
    std::optional<double> alpha;
};

// Where a rater has ranked the same answers twice, the last ranking counts.
RankingReport report_of(std::span<const Ranking> rankings);

// Lines for people.
std::string text_of(const RankingReport& report);

}  // namespace gradus
