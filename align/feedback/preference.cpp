#include "align/feedback/preference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "align/losses/logistic.h"
#include "engine/base/plural.h"

namespace gradus {

namespace {

// What may stand around a label in a token: "▁" and "Ġ" mark the space before a word in tokenizers' own spelling.
constexpr std::string_view around[] = {" ", "\t", "\n", "\r", "(", ")", "[", "]", "\"", "'", "*", ".", ":", "▁", "Ġ"};

std::string_view label_in(std::string_view token) {
    for (size_t before = token.size() + 1; token.size() < before;) {
        before = token.size();
        for (const std::string_view mark : around) {
            if (token.starts_with(mark)) token.remove_prefix(mark.size());
            if (token.ends_with(mark)) token.remove_suffix(mark.size());
        }
    }
    return token;
}

double log_add(double a, double b) {
    const double most = std::max(a, b);
    return std::isinf(most) ? most : most + std::log(std::exp(a - most) + std::exp(b - most));
}

}  // namespace

double LabelLogProbs::first() const { return sigmoid(a - b); }

LabelLogProbs label_log_probs(const TopTokens& tokens, const std::string& label_a, const std::string& label_b) {
    constexpr double none = -std::numeric_limits<double>::infinity();
    LabelLogProbs found{none, none, 0};
    double least = 0;
    const std::string_view a = label_in(label_a), b = label_in(label_b);
    for (const auto& [token, log_prob] : tokens) {
        least = std::min(least, log_prob);
        const std::string_view label = label_in(token);
        if (label == a) found.a = log_add(found.a, log_prob);
        else if (label == b) found.b = log_add(found.b, log_prob);
    }
    for (double* const log_prob : {&found.a, &found.b})
        if (*log_prob == none) {
            *log_prob = least;
            ++found.bounds;
        }
    return found;
}

double BothOrders::probability() const {
    const double lead = prefers_first() ? first - second : second - first;
    return 0.5 + 0.5 * lead;
}

double entropy_of_label(double p) {
    const auto term = [](double q) { return q > 0 ? -q * std::log(q) : 0; };
    return term(p) + term(1 - p);
}

void JudgeStatistics::add(const BothOrders& o, double probability) {
    pairs += 1;
    agreeing += o.agree();
    ties += probability <= 0.5 + tie_within;
    bounds += o.bounds;
    position.add(o.position());
    entropy.add(entropy_of_label(probability));
}

void JudgeStatistics::add_ranked(const BothOrders& o, bool first_is_better) {
    ranking.add((o.first - o.second) * (first_is_better ? 1 : -1));
}

std::string text_of(const JudgeStatistics& s) {
    std::string text = fmt::format(
        "judged   {}, each in both orders; the orders agree on {:.3f}\n"
        "position {:.3f} ± {:.3f}, mean probability of the answer that is shown first; 0.5: no bias\n"
        "labels   entropy {:.3f} nats (0.693: coins); {} within {} of a tie\n",
        number_of(int64_t(s.pairs), "pair"), s.agreement(), s.position.mean, s.position.standard_error(),
        s.entropy.mean, text_of_whole(int64_t(s.ties)), JudgeStatistics::tie_within);
    if (s.ranking.all > 0) {
        const auto [low, high] = s.ranking.interval();
        text += fmt::format("ranking  the judge agrees with the file on {:.3f} ({:.3f} to {:.3f}) of {} ranked pairs\n",
                            s.ranking.share(), low, high, text_of_whole(int64_t(s.ranking.all)));
    }
    if (s.bounds > 0)
        text += fmt::format(
            "bounds   {} of {} labels were not among the tokens that the server told; each counts as "
            "likely as the least likely one\n",
            text_of_whole(int64_t(s.bounds)), text_of_whole(int64_t(4 * s.pairs)));
    return text;
}

}  // namespace gradus
