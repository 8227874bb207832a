#include "tools/report/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "tools/report/html.h"

namespace gradus {

namespace {

constexpr size_t most_stops = 12;  // of what is stepped through

using SamplesOfStep = std::vector<const ReportSample*>;

// Groups of samples with one step, from samples in the order of their steps.
std::vector<SamplesOfStep> grouped(const std::vector<const ReportSample*>& samples) {
    std::vector<SamplesOfStep> groups;
    for (const ReportSample* s : samples) {
        if (groups.empty() || groups.back().front()->step != s->step) groups.emplace_back();
        groups.back().push_back(s);
    }
    return groups;
}

std::vector<SamplesOfStep> spread(const std::vector<SamplesOfStep>& groups, size_t most) {
    std::vector<SamplesOfStep> out;
    for (const size_t i : spread_indices(groups.size(), most)) out.push_back(groups[i]);
    return out;
}

std::string facts_of(const ReportSample& s) {
    std::string html;
    if (s.score) html += fmt::format("<span class=score>score {:+.3f}</span>", *s.score);
    if (!s.ended) html += "<span class=cut>did not end</span>";
    return html.empty() ? "" : "<p class=note>" + html + "</p>";
}

// A language model continues its prompt; after it, an answer stands by itself.
std::string text_after_prompt(const ReportRun& r, const ReportSample& s) {
    if (r.stage == Stage::pretrain)
        return fmt::format("<pre><b>{}</b>{}</pre>", escape_html(s.prompt), answer_html(s.text));
    return fmt::format("<pre><b>{}</b></pre><pre>{}</pre>", escape_html(s.prompt), answer_html(s.text));
}

// Answers to one prompt; of many at one step, the first ones.
std::string history_html(const PromptHistory& h) {
    constexpr size_t shown = 3;
    std::string html = fmt::format("<div class=sample><pre><b>{}</b></pre><div class=strip>", escape_html(h.prompt));
    for (const SamplesOfStep& step : h.steps) {
        html += fmt::format("<div><span class=note>step {}</span>", text_of_whole(step.front()->step));
        for (size_t i = 0; i < std::min(shown, step.size()); ++i)
            html += fmt::format("<pre>{}</pre>{}", answer_html(step[i]->text), facts_of(*step[i]));
        html += "</div>";
    }
    return html + "</div></div>\n";
}

std::string stepper_html(const ReportRun& r, const std::vector<SamplesOfStep>& stops, const std::string& id) {
    constexpr size_t shown = 8;
    std::string html = "<div class=stepper><span class=note>step</span>", frames;
    for (size_t i = 0; i < stops.size(); ++i) {
        html += fmt::format("<input type=radio name={0}-step id={0}-step{1}{2}><label for={0}-step{1}>{3}</label>", id,
                            i, i + 1 == stops.size() ? " checked" : "", text_of_whole(stops[i].front()->step));
        frames += fmt::format("<div class=stop><p class=note>after step {}</p><div class=stops>",
                              text_of_whole(stops[i].front()->step));
        for (size_t k = 0; k < std::min(shown, stops[i].size()); ++k) {
            const ReportSample& s = *stops[i][k];
            frames += "<div class=sample>" + text_after_prompt(r, s) + facts_of(s) + "</div>";
        }
        frames += "</div></div>\n";
    }
    return html + frames + "</div>\n";
}

std::string all_html(const ReportRun& r) {
    constexpr size_t shown = 200;
    std::string html = fmt::format(
        "<details><summary>{}</summary><div class=scroll><table class=rows>"
        "<tr><th>step<th>prompt<th>answer<th>score</tr>",
        r.samples.size() <= shown ? "all " + number_of(int64_t(r.samples.size()), "sample")
                                  : fmt::format("{} of {} samples", shown, text_of_whole(int64_t(r.samples.size()))));
    for (const size_t i : spread_indices(r.samples.size(), shown)) {
        const ReportSample& s = r.samples[i];
        html += fmt::format("<tr><td>{}<td class=text>{}<td class=text>{}{}<td>{}</tr>\n", text_of_whole(s.step),
                            escape_html(s.prompt), answer_html(s.text),
                            s.ended ? "" : " <span class=cut>did not end</span>",
                            s.score ? fmt::format("{:+.3f}", *s.score) : "");
    }
    return html + "</table></div></details>\n";
}

}  // namespace

std::vector<PromptHistory> histories_of(const std::vector<ReportSample>& samples, size_t most, size_t most_steps) {
    std::vector<std::vector<const ReportSample*>> of_prompts;  // in the order in which prompts first come
    std::map<std::string, size_t> index;
    for (const ReportSample& s : samples) {
        const auto [at, is_new] = index.emplace(s.prompt, of_prompts.size());
        if (is_new) of_prompts.emplace_back();
        of_prompts[at->second].push_back(&s);
    }
    std::vector<PromptHistory> all;
    for (const auto& of_prompt : of_prompts) {
        PromptHistory h = {of_prompt.front()->prompt, grouped(of_prompt)};
        if (h.steps.size() > 1) all.push_back(std::move(h));
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const PromptHistory& a, const PromptHistory& b) { return a.steps.size() > b.steps.size(); });
    if (all.size() > most) all.resize(most);
    for (PromptHistory& h : all) h.steps = spread(h.steps, most_steps);
    return all;
}

std::vector<std::vector<const ReportSample*>> samples_by_step(const std::vector<ReportSample>& samples, size_t most) {
    std::vector<const ReportSample*> all;
    for (const ReportSample& s : samples) all.push_back(&s);
    return spread(grouped(all), most);
}

std::string samples_html(const ReportRun& r, const std::string& id) {
    constexpr size_t prompts = 4, steps = 4;
    if (r.samples.empty()) return "";
    std::string html = "<h2>What it writes</h2>\n";
    html += stepper_html(r, samples_by_step(r.samples, most_stops), id);
    const std::vector<PromptHistory> histories = histories_of(r.samples, prompts, steps);
    if (!histories.empty()) html += "<h2>The same prompt over the steps</h2>\n";
    for (const PromptHistory& h : histories) html += history_html(h);
    return html + all_html(r);
}

std::string stepper_rules() {
    std::string shown;
    for (size_t i = 1; i <= most_stops; ++i)
        shown +=
            fmt::format("{0}.stepper > input:nth-of-type({1}):checked ~ .stop:nth-of-type({1})", i > 1 ? ",\n" : "", i);
    return shown + " { display:block; }\n";
}

}  // namespace gradus
