#include "tools/align/best_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "engine/base/plural.h"

namespace gradus {

namespace {

std::string demonstration(const Conversation& prompt, const ScoredAnswer& answer, const Running& of_prompt) {
    nlohmann::ordered_json messages = nlohmann::ordered_json::array();
    for (const Message& m : prompt) messages.push_back({{"role", m.role}, {"content", m.content}});
    messages.push_back({{"role", "assistant"}, {"content", answer.text}});
    const nlohmann::ordered_json line = {{"messages", std::move(messages)},
                                         {"score", *answer.score},
                                         {"n", int64_t(of_prompt.count)},
                                         {"mean_score", of_prompt.mean}};
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

BestAnswers::BestAnswers(const BestOptions& o) : options_(o), table_(o.answers) {}

std::string BestAnswers::add(const Conversation& prompt, const std::vector<ScoredAnswer>& answers) {
    counts_.prompts += 1;
    std::vector<const ScoredAnswer*> candidates;
    std::vector<double> scores;
    Running of_prompt;
    for (const ScoredAnswer& a : answers) {
        counts_.answers += 1;
        counts_.ended += a.ended;
        counts_.unscored += !a.score;
        if (!a.score || a.text.empty() || !(a.ended || options_.keep_unfinished)) continue;
        candidates.push_back(&a);
        scores.push_back(*a.score);
        of_prompt.add(*a.score);
    }
    table_.add(scores);
    candidates_ += of_prompt;
    if (candidates.empty()) {
        counts_.without_candidate += 1;
        return "";
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const ScoredAnswer* a, const ScoredAnswer* b) { return *a->score > *b->score; });
    std::string lines;
    std::set<std::string> texts;
    for (const ScoredAnswer* a : candidates) {
        if (int(texts.size()) == options_.keep || (options_.least_score && *a->score < *options_.least_score)) break;
        if (!texts.insert(a->text).second) continue;
        lines += demonstration(prompt, *a, of_prompt);
        kept_.add(*a->score);
    }
    counts_.below_least += texts.empty();
    return lines;
}

BestSummary BestAnswers::summary() const {
    BestSummary s = counts_;
    s.kept = int64_t(kept_.count);
    s.mean_score = candidates_.mean;
    s.mean_kept = kept_.mean;
    s.curve = table_.rows();
    return s;
}

std::string text_of(const BestSummary& s) {
    std::string text = fmt::format("answers  {} to {}, {:.2f} of them ended; mean score {:+.3f}\n",
                                   text_of_whole(s.answers), number_of(s.prompts, "prompt"),
                                   double(s.ended) / double(std::max<int64_t>(1, s.answers)), s.mean_score);
    if (s.unscored > 0) text += fmt::format("unscored {}\n", number_of(s.unscored, "answer"));
    text += fmt::format("kept     {}, mean score {:+.3f}", number_of(s.kept, "demonstration"), s.mean_kept);
    if (s.below_least > 0)
        text += fmt::format("; left out: {} whose best answer scores too low", number_of(s.below_least, "prompt"));
    if (s.without_candidate > 0)
        text += fmt::format("; left out: {} without an answer to choose", number_of(s.without_candidate, "prompt"));
    text +=
        "\n\nthe best of k answers: mean score over the prompts and its standard error; KL(best of k, model) at "
        "most\n\n";
    text += fmt::format("{:>6} {:>9} {:>8} {:>7} {:>8}\n", "k", "score", "error", "KL", "prompts");
    for (const BestOfRow& r : s.curve)
        text +=
            fmt::format("{:>6} {:>+9.3f} {:>8.3f} {:>7.3f} {:>8}\n", r.k, r.score, r.standard_error, r.kl, r.prompts);
    return text;
}

std::string json_of(const BestSummary& s) {
    nlohmann::ordered_json curve = nlohmann::ordered_json::array();
    for (const BestOfRow& r : s.curve)
        curve.push_back({{"k", r.k},
                         {"score", r.score},
                         {"standard_error", r.standard_error},
                         {"kl", r.kl},
                         {"prompts", r.prompts}});
    const auto mean = [](double x, int64_t count) {
        return count > 0 ? nlohmann::ordered_json(x) : nlohmann::ordered_json();
    };
    return nlohmann::ordered_json{{"prompts", s.prompts},
                                  {"answers", s.answers},
                                  {"ended", double(s.ended) / double(std::max<int64_t>(1, s.answers))},
                                  {"unscored", s.unscored},
                                  {"mean_score", mean(s.mean_score, int64_t(s.curve.size()))},
                                  {"kept", s.kept},
                                  {"kept_score", mean(s.mean_kept, s.kept)},
                                  {"below_min_score", s.below_least},
                                  {"without_candidate", s.without_candidate},
                                  {"curve", std::move(curve)}}
        .dump();
}

}  // namespace gradus
