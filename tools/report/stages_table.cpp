#include "tools/report/stages_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "tools/report/html.h"
#include "tools/report/json_lines.h"

namespace gradus {

namespace {

bool is_list_of_stages(const ReportJson& list) {
    return list.is_array() && !list.empty() && std::all_of(list.begin(), list.end(), [](const ReportJson& s) {
               return s.is_object() && !json_string(s, "stage").empty();
           });
}

StagesTable table_in(const ReportJson& list, const fs::path& file) {
    StagesTable table{.file = file, .stages = {}};
    for (const ReportJson& s : list) {
        StagesTable::Stage stage = {
            .name = json_string(s, "stage"), .model = json_string(s, "model"), .values = {}, .answers = {}};
        for (const StageColumn& c : stage_columns()) {
            const double value = json_number(s, c.key);
            stage.values.push_back(std::isfinite(value) ? std::optional(value) : std::nullopt);
        }
        if (const auto answers = s.find("answers"); answers != s.end() && answers->is_array())
            for (const ReportJson& a : *answers)
                if (a.is_object()) stage.answers.push_back({json_string(a, "prompt"), json_string(a, "text")});
        table.stages.push_back(std::move(stage));
    }
    return table;
}

// Prompts of all stages, in their order.
std::vector<std::string> prompts_of(const StagesTable& table) {
    std::vector<std::string> prompts;
    for (const auto& stage : table.stages)
        for (const auto& a : stage.answers)
            if (std::find(prompts.begin(), prompts.end(), a.prompt) == prompts.end()) prompts.push_back(a.prompt);
    return prompts;
}

std::string prompt_html(const StagesTable& table, const std::string& prompt) {
    std::string html = fmt::format("<div class=sample><pre><b>{}</b></pre><table class=rows>", escape_html(prompt));
    for (const auto& stage : table.stages)
        for (const auto& a : stage.answers)
            if (a.prompt == prompt)
                html += fmt::format("<tr><th>{}<td class=text>{}</tr>", escape_html(stage.name), answer_html(a.text));
    return html + "</table></div>\n";
}

}  // namespace

const std::vector<StageColumn>& stage_columns() {
    static const std::vector<StageColumn> columns = {
        {"utility", "utility", "of a simulated rater, 0 to 4", "higher is better"},
        {"score", "score", "of the reward model, standard deviations", "higher is better"},
        {"kl", "KL", "from the reference, nats per answer", "what it costs"},
        {"bits_per_byte", "bits/byte", "of pre-training text", "lower is better"},
        {"ended", "ends", "share of answers", "good: near 1"},
        {"names", "names", "what was asked for, share", "higher is better"},
        {"sentence", "sentence", "one, share", "higher is better"},
        {"fresh", "fresh", "without repetition, share", "higher is better"},
        {"length", "length", "tokens", ""},
    };
    return columns;
}

StagesTable read_stages(const fs::path& file) {
    const ReportJson list = read_json(file);
    if (!is_list_of_stages(list))
        throw Error("'" + file.string() + "' is not a table of stages",
                    "it must be a list of {\"stage\": …, \"model\": …, …}", "gradus stages … --out " + file.string());
    return table_in(list, file);
}

std::optional<StagesTable> find_stages(const std::vector<fs::path>& folders) {
    for (const fs::path& folder : folders)
        if (is_file(folder / "stages.json")) return read_stages(folder / "stages.json");
    for (const fs::path& given : folders) {
        const fs::path folder = folder_near(".", given);
        for (const fs::path& above : {folder.parent_path(), folder.parent_path().parent_path()}) {
            const ReportJson list = read_json(above / "stages.json");
            if (!is_list_of_stages(list)) continue;
            for (const ReportJson& s : list)
                if (folder_near(run_of_model(json_string(s, "model")), above) == folder)
                    return table_in(list, above / "stages.json");
        }
    }
    return std::nullopt;
}

std::string stages_html(const StagesTable& table, const PageLinks& links) {
    const std::vector<StageColumn>& columns = stage_columns();
    const auto is_measured = [&](size_t c) {
        return std::any_of(table.stages.begin(), table.stages.end(),
                           [&](const auto& s) { return s.values[c].has_value(); });
    };
    std::string html =
        "<h2 id=stages>The stages side by side</h2>\n<p class=note>Each stage answers the same prompts. Good: utility "
        "and "
        "score rise from stage to stage, at a KL of a few nats; bits per byte say how much of pre-training is "
        "forgotten. A score that rises without utility is a reward model that is exploited.</p>\n"
        "<div class='card scroll'><table class='rows numbers-table'><tr><th>stage<th>model";
    for (size_t c = 0; c < columns.size(); ++c)
        if (is_measured(c))
            html +=
                fmt::format("<th>{}<span>{}</span><span>{}</span>", columns[c].name, columns[c].unit, columns[c].good);
    html += "</tr>\n";
    for (const auto& s : table.stages) {
        html += fmt::format("<tr><th>{}<td>{}", escape_html(s.name), links.to(s.model, table.file.parent_path()));
        for (size_t c = 0; c < columns.size(); ++c)
            if (is_measured(c)) html += "<td>" + (s.values[c] ? fmt::format("{:.3g}", *s.values[c]) : "");
        html += "</tr>\n";
    }
    html += "</table></div>\n";
    const std::vector<std::string> prompts = prompts_of(table);
    if (!prompts.empty()) html += "<h2>The same prompts, answered by all stages</h2>\n";
    for (const std::string& prompt : prompts) html += prompt_html(table, prompt);
    return html;
}

}  // namespace gradus
