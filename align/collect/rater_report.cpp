#include "align/collect/rater_report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "align/collect/candidates.h"
#include "align/statistics/agreement.h"
#include "engine/base/one_line.h"
#include "engine/base/plural.h"

namespace gradus {

namespace {

using OfRater = std::map<uint64_t, const Ranking*>;  // prompt with its answers → the last ranking of it

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

RaterSummary summary(const std::string& name, const OfRater& rankings) {
    RaterSummary s{name, int64_t(rankings.size()), 0, 0};
    std::vector<double> seconds;
    int64_t pairs = 0, ties = 0;
    for (const auto& [identity, ranking] : rankings) {
        seconds.push_back(ranking->seconds);
        for (int judgement : judgements_of(ranking->ranks)) {
            ++pairs;
            ties += judgement == 0;
        }
    }
    s.seconds = median(std::move(seconds));
    s.ties = pairs > 0 ? double(ties) / double(pairs) : 0;
    return s;
}

RaterAgreement agreement(const std::string& one, const OfRater& of_one, const std::string& other,
                         const OfRater& of_other) {
    RaterAgreement result{one, other, 0, 0, std::nullopt};
    std::vector<int> a, b;
    for (const auto& [identity, ranking] : of_one) {
        const auto found = of_other.find(identity);
        if (found == of_other.end()) continue;
        ++result.prompts;
        const std::vector<int> x = judgements_of(ranking->ranks), y = judgements_of(found->second->ranks);
        a.insert(a.end(), x.begin(), x.end());
        b.insert(b.end(), y.begin(), y.end());
    }
    result.pairs = int64_t(a.size());
    result.kappa = cohen_kappa(a, b);
    return result;
}

std::string text_of_agreement(std::optional<double> value) {
    return value ? fmt::format("{:.2f}", *value) : "undefined, since nobody could have disagreed";
}

}  // namespace

RankingReport report_of(std::span<const Ranking> rankings) {
    std::map<std::string, OfRater> by_rater;
    for (const Ranking& r : rankings) by_rater[r.rater][identity_of(r.prompt, r.answers)] = &r;
    RankingReport report;
    std::map<uint64_t, std::vector<const Ranking*>> by_prompt;
    for (const auto& [name, of_rater] : by_rater) {
        report.raters.push_back(summary(name, of_rater));
        report.rankings += int64_t(of_rater.size());
        for (const auto& [identity, ranking] : of_rater) by_prompt[identity].push_back(ranking);
    }
    for (auto one = by_rater.begin(); one != by_rater.end(); ++one)
        for (auto other = std::next(one); other != by_rater.end(); ++other)
            if (RaterAgreement a = agreement(one->first, one->second, other->first, other->second); a.prompts > 0)
                report.agreements.push_back(std::move(a));
    std::vector<std::vector<double>> items;  // an answer each: its ranks
    for (const auto& [identity, of_prompt] : by_prompt) {
        report.shared_prompts += of_prompt.size() > 1;
        for (size_t answer = 0; answer < of_prompt[0]->answers.size(); ++answer) {
            items.emplace_back();
            for (const Ranking* ranking : of_prompt) items.back().push_back(ranking->ranks[answer]);
        }
    }
    report.prompts = int64_t(by_prompt.size());
    report.alpha = krippendorff_alpha(items);
    return report;
}

std::string text_of(const RankingReport& r) {
    std::string text = fmt::format("{} of {} by {}\n", number_of(r.rankings, "ranking"), number_of(r.prompts, "prompt"),
                                   number_of(int64_t(r.raters.size()), "rater"));
    for (const RaterSummary& s : r.raters)
        text += fmt::format("  {}: {}, median {}, {:.0f}% of pairs tied\n",
                            s.rater.empty() ? "without a name" : on_one_line(s.rater, 60),
                            number_of(s.rankings, "ranking"), text_of_seconds(s.seconds), 100 * s.ties);
    if (r.raters.size() < 2) return text;
    if (r.shared_prompts == 0)
        return text + "no prompt has been ranked by two raters, so there is no agreement to report\n";
    text += fmt::format("agreement on {} that two raters or more have ranked (1: complete, 0: as by chance)\n",
                        number_of(r.shared_prompts, "prompt"));
    for (const RaterAgreement& a : r.agreements)
        text += fmt::format("  {}, {}: Cohen's kappa {} ({}, {} of answers)\n", on_one_line(a.one, 60),
                            on_one_line(a.other, 60), text_of_agreement(a.kappa), number_of(a.prompts, "prompt"),
                            number_of(a.pairs, "pair"));
    return text + fmt::format("  all: Krippendorff's alpha {} (ordinal, of the ranks)\n", text_of_agreement(r.alpha));
}

}  // namespace gradus
