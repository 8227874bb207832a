#pragma once
// Which of the answers to a prompt are kept as demonstrations, and what the choice adds up to.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "align/statistics/best_of_table.h"
#include "align/template/message.h"

namespace gradus {

struct ScoredAnswer {
    std::string text;
    std::optional<double> score;  // none: the judge gave it none
    bool ended = false;           // within the limit of its length
};

struct BestOptions {
    int answers = 16;  // to each prompt
    int keep = 1;      // of them, at most
    std::optional<double> least_score;
    bool keep_unfinished = false;
};

// Counts of prompts from which nothing is kept, and means. A candidate is an answer that has a score and a text, and that ended or may
// be unfinished; only candidates are in the curve and in `mean_score`.
struct BestSummary {
    int64_t prompts = 0, answers = 0, ended = 0, unscored = 0;
    int64_t kept = 0;                                // demonstrations
    int64_t below_least = 0, without_candidate = 0;  // prompts that are left out
    double mean_score = 0, mean_kept = 0;            // of the candidates; of the demonstrations
    std::vector<BestOfRow> curve;
};

class BestAnswers {
public:
    explicit BestAnswers(const BestOptions&);

    // The answers to one prompt. Returns a line of JSON for each that is kept, the best first; equal texts are kept once:
    //   {"messages": […], "score": NUMBER, "n": candidates it was chosen from, "mean_score": their mean}
    std::string add(const Conversation& prompt, const std::vector<ScoredAnswer>& answers);

    BestSummary summary() const;

private:
    BestOptions options_;
    BestSummary counts_;
    Running candidates_, kept_;
    BestOfTable table_;
};

std::string text_of(const BestSummary&);
std::string json_of(const BestSummary&);

}  // namespace gradus
