#include "tools/report/page.h"

#include <fmt/format.h>

#include "engine/base/plural.h"
#include "tools/report/comparison.h"
#include "tools/report/headline.h"
#include "tools/report/html.h"
#include "tools/report/samples.h"
#include "tools/report/stage_charts.h"
#include "tools/report/style.h"

namespace gradus {

namespace {

std::string notes_of(const ReportRun& r) {
    std::string html;
    const auto add = [&](const std::string& text) { html += "<p class=note>" + escape_html(text) + "</p>\n"; };
    if (r.log.unreadable_lines > 0) add(number_of(r.log.unreadable_lines, "line") + " of the log could not be read");
    if (r.log.skipped_steps > 0)
        add(number_of(r.log.skipped_steps, "step") + " skipped: not a number, or a spike of the loss or the gradient");
    return html;
}

std::string settings_of(const ReportRun& r) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& [key, value] : r.settings) rows.emplace_back(key, toml_text(value));
    if (rows.empty()) return "";
    return "<h2>Settings</h2>\n<details><summary>every setting of the run</summary>\n" + table_of(rows) +
           "</details>\n";
}

// All about one run.
std::string part_of(const ReportRun& r, const std::string& id, const PageLinks& links) {
    std::string html = fmt::format("<h1 id={}>{}</h1>\n", id, escape_html(r.name));
    const std::string origins = origins_of(r, links);
    html += fmt::format("<p class=lead>{}, {}{}</p>\n", of_stage(r.stage).name, progress_of(r),
                        origins.empty() ? "" : ", " + origins);
    html += notes_of(r) + "<div class=numbers>\n";
    for (const auto& [value, what] : headline_of(r)) html += number_box(value, what);
    html += "</div>\n" + charts_of(r, id) + samples_html(r, id);
    if (!r.data.empty() || !r.facts.empty()) {
        html += "<h2>Data</h2>\n<div class=two>" + (r.facts.empty() ? "" : table_of(r.facts));
        html += (r.data.empty() ? "" : table_of(r.data)) + "</div>\n";
    }
    return html + settings_of(r);
}

std::string name_of(const ReportPage& page) {
    if (page.runs.size() == 1) return page.runs.front().name;
    const std::string folder = fs::absolute(page.file).lexically_normal().parent_path().filename().string();
    return page.runs.empty() ? folder : fmt::format("{}: {} runs", folder, page.runs.size());
}

}  // namespace

std::string html_of(const ReportPage& page) {
    const PageLinks links(page.runs, page.file);
    std::string html =
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>\n";
    html += fmt::format("<title>{} — gradus</title>\n<style>{}{}</style></head>\n<body><main>\n",
                        escape_html(name_of(page)), report_style, stepper_rules());
    const bool one = page.runs.size() == 1;
    std::string notes;
    for (const std::string& note : page.notes) notes += "<p class=note>" + escape_html(note) + "</p>\n";
    if (!one) {
        html += fmt::format("<h1>{}</h1>\n", escape_html(name_of(page)));
        html += notes;
        if (!page.runs.empty()) html += table_of_runs(page.runs, links) + compared_charts(page.runs);
        if (page.stages) html += stages_html(*page.stages, links);
    }
    for (size_t i = 0; i < page.runs.size(); ++i)
        html += "<section>\n" + part_of(page.runs[i], PageLinks::id_of(i), links) + "</section>\n";
    if (one) html += notes;
    if (one && page.stages) html += stages_html(*page.stages, links);
    return html + "</main></body></html>\n";
}

}  // namespace gradus
