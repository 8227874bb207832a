#include "tools/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/log.h"
#include "tools/report/chart.h"
#include "tools/report/headline.h"
#include "tools/report/html.h"
#include "tools/report/reward_against_kl.h"
#include "tools/report/stage_charts.h"

namespace gradus {

namespace {

struct ComparedNumber {
    std::string key, title, note;
};

// What says most about a run of the stage.
std::vector<ComparedNumber> compared_numbers(Stage stage) {
    switch (stage) {
        case Stage::pretrain:
        case Stage::sft:
            return {
                {"loss", "Training loss, nats per token", "Lower is better, for the same data."},
                {"val_loss", "Validation loss, nats per token", "Lower is better, for the same tokenizer and data."},
                {"val_bits_per_byte", "Bits per byte of the validation text", "Lower is better, for any tokenizer."}};
        case Stage::ppo:
        case Stage::grpo:
            return {{"kl", "KL to the reference, nats per answer", "What the score costs."},
                    {"entropy", "Entropy, nats per token", "Near 0 all answers are alike."},
                    {"length", "Length of the answers, tokens", ""},
                    {"ended", "Share of answers that ended", "Good: near 1."}};
        default:
            return {{"val_accuracy", "Accuracy on held-out pairs", "Higher is better, for the same pairs."},
                    {"val_loss", "Loss on held-out pairs, nats", "Lower is better, for the same loss and pairs."},
                    {"chosen_log_prob", "log p of the chosen, nats", ""},
                    {"rejected_log_prob", "log p of the rejected, nats", ""}};
    }
}

// One number of all runs; "" if none of them has it.
std::string card_of_key(const ComparedNumber& n, const std::vector<const ReportRun*>& same) {
    Chart chart = {.title = n.title, .note = n.note, .outliers = n.key.ends_with("loss") ? 0.02 : 0};
    for (const ReportRun* r : same) chart.series.push_back({r->name, r->curve(n.key), n.key.starts_with("val_")});
    return chart.empty() ? "" : card_of(chart);
}

std::string charts_of_stage(const std::vector<const ReportRun*>& same) {
    constexpr size_t points = 12;  // of a path, so that several can be told apart
    const ScoreName score = score_of(*same.front());
    std::string html;
    std::vector<KlSeries> paths;
    for (const ReportRun* r : same) paths.push_back({r->name, kl_path(r->curve("kl"), r->curve(score.key), points)});
    html += kl_card(paths, score.unit);
    html += card_of_key({score.key, score.name(), "Higher is better, at the same KL and for the same reward."}, same);
    for (const ComparedNumber& n : compared_numbers(same.front()->stage)) html += card_of_key(n, same);
    return html;
}

}  // namespace

void name_apart(std::vector<ReportRun>& runs) {
    const auto end_of = [](const fs::path& folder, size_t parts) {
        fs::path end, rest = folder;
        for (size_t i = 0; i < parts && rest.has_filename(); ++i, rest = rest.parent_path())
            end = end.empty() ? rest.filename() : rest.filename() / end;
        return end.string();
    };
    std::vector<std::string> names;
    for (const ReportRun& r : runs) {
        const auto is_other = [&](const ReportRun& o) { return o.folder != r.folder; };
        size_t parts = 1;
        while (std::any_of(runs.begin(), runs.end(), [&](const ReportRun& o) {
            return is_other(o) && end_of(o.folder, parts) == end_of(r.folder, parts);
        }))
            ++parts;
        names.push_back(end_of(r.folder, parts));
    }
    for (size_t i = 0; i < runs.size(); ++i) runs[i].name = names[i];
}

std::string progress_of(const ReportRun& r) {
    const auto all = int64_t(r.number_set("train.steps"));
    return fmt::format("{}{} steps", text_of_whole(r.log.steps), all > 0 ? " of " + text_of_whole(all) : "");
}

std::string origins_of(const ReportRun& r, const PageLinks& links) {
    std::string html;
    if (const std::string from = r.string_set("model.from"); !from.empty()) html += "from " + links.to(from, r.folder);
    if (const std::string reward = r.reward_model(); !reward.empty())
        html += (html.empty() ? "" : ", ") + ("reward model " + links.to(reward, r.folder));
    return html;
}

std::string table_of_runs(const std::vector<ReportRun>& runs, const PageLinks& links) {
    constexpr size_t shown = 3;
    std::string html =
        "<h2>The runs</h2>\n<div class='card scroll'><table class=rows><tr><th>run<th>stage<th>origin<th>steps<th>how "
        "it "
        "went</tr>\n";
    for (size_t i = 0; i < runs.size(); ++i) {
        const ReportRun& r = runs[i];
        std::string numbers;
        const auto headline = headline_of(r);
        for (size_t k = 0; k < std::min(shown, headline.size()); ++k)
            numbers +=
                fmt::format("<div><b>{}</b> {}</div>", escape_html(headline[k].first), escape_html(headline[k].second));
        html +=
            fmt::format("<tr><td><a href=\"#{}\">{}</a><td>{}<td>{}<td>{}<td class=text>{}</tr>\n", PageLinks::id_of(i),
                        escape_html(r.name), of_stage(r.stage).name, origins_of(r, links), progress_of(r), numbers);
    }
    return html + "</table></div>\n";
}

std::string compared_charts(const std::vector<ReportRun>& runs) {
    std::string html;
    for (const StageName& stage : stages) {
        std::vector<const ReportRun*> same;
        for (const ReportRun& r : runs)
            if (r.stage == stage.stage) same.push_back(&r);
        if (same.size() > 1)
            html += fmt::format("<h2>Runs of {} compared</h2>\n<div class=charts>\n{}</div>\n", stage.name,
                                charts_of_stage(same));
    }
    return html;
}

}  // namespace gradus
