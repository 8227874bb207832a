#include "tools/report/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/config.h"
#include "tools/report/json_lines.h"

namespace gradus {

namespace {

std::string text_of(const ReportJson& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return text_of_whole(value.get<int64_t>());
    if (value.is_number()) return fmt::format("{:.4g}", value.get<double>());
    return value.dump(-1, ' ', false, ReportJson::error_handler_t::replace);
}

// The members of an object, with nested names joined; long lists are omitted.
void flatten(const ReportJson& object, const std::string& prefix, std::vector<std::pair<std::string, std::string>>& out,
             int depth = 0) {
    constexpr int deepest = 3;
    constexpr size_t longest_list = 6;
    for (const auto& [key, value] : object.items()) {
        std::string name = prefix + key;
        std::replace(name.begin(), name.end(), '_', ' ');
        if (value.is_object() && depth < deepest) flatten(value, name + ": ", out, depth + 1);
        else if (!value.is_array() || value.size() <= longest_list) out.emplace_back(name, text_of(value));
    }
}

void read_baselines(const fs::path& file, ReportRun& run) {
    const ReportJson list = read_json(file);
    if (list.is_null()) return;
    bool good = list.is_array();
    if (good)
        for (const ReportJson& y : list) good = good && y.is_object() && std::isfinite(json_number(y, "bits_per_byte"));
    if (!good)
        throw Error("'" + file.string() + "' is not a list of baselines",
                    "it must be a list of {\"name\": …, \"bits_per_byte\": …}", "fix or remove it");
    for (const ReportJson& y : list)
        run.baselines.emplace_back(json_string(y, "name"), json_number(y, "bits_per_byte"));
}

void read_samples(const fs::path& file, std::vector<ReportSample>& samples) {
    for_each_line(file, [&](const ReportJson& line) {
        const auto step = json_step(line);
        if (!step) return;
        if (!samples.empty() && samples.back().step > *step)  // the run went back
            std::erase_if(samples, [&](const ReportSample& s) { return s.step >= *step; });
        ReportSample s = {*step, json_string(line, "prompt"), json_string(line, "text")};
        if (const double score = json_number(line, "score"); std::isfinite(score)) s.score = score;
        s.ended = line.value("ended", ReportJson(true)) != false;
        samples.push_back(std::move(s));
    });
}

// Of a run without a recipe.
Stage stage_of_log(const ReportLog& log) {
    const auto has = [&](const char* key) { return log.curves.contains(key); };
    if (has("explained_variance")) return Stage::ppo;
    if (has("without_spread")) return Stage::grpo;
    if (has("chosen_reward")) return Stage::dpo;
    return has("accuracy") ? Stage::reward : Stage::pretrain;
}

}  // namespace

double ReportRun::number_set(const std::string& key) const {
    const auto found = settings.find(key);
    if (found == settings.end()) return 0;
    if (const auto* whole = std::get_if<int64_t>(&found->second)) return double(*whole);
    const auto* number = std::get_if<double>(&found->second);
    return number ? *number : 0;
}

std::string ReportRun::string_set(const std::string& key) const {
    const auto found = settings.find(key);
    const auto* text = found == settings.end() ? nullptr : std::get_if<std::string>(&found->second);
    return text ? *text : "";
}

std::string ReportRun::reward_model() const { return string_set(std::string(of_stage(stage).name) + ".reward"); }

ReportRun read_run(const fs::path& folder) {
    ReportRun run;
    const fs::path log = folder / "log.jsonl";
    if (!is_file(log))
        throw Error("there is no run in '" + folder.string() + "'", "it has no log.jsonl",
                    "gradus report RUN, the run.dir of a training run");
    run.folder = fs::absolute(folder).lexically_normal();
    if (!run.folder.has_filename()) run.folder = run.folder.parent_path();
    run.name = run.folder.filename().string();
    run.log = read_report_log(log);
    if (is_file(folder / "recipe.toml")) {
        const std::vector<Setting> settings = read_settings(folder / "recipe.toml");
        for (const Setting& s : settings) run.settings[s.key] = s.value;
        run.stage = stage_of(settings);
    } else {
        run.stage = stage_of_log(run.log);
    }
    if (run.log.curves.empty())
        throw Error("the log of '" + folder.string() + "' has no step", "no line of log.jsonl has a step and a number",
                    fmt::format("let the run finish its first step: gradus {} {}", of_stage(run.stage).name,
                                (folder / "recipe.toml").string()));

    if (is_file(folder / "samples.jsonl")) read_samples(folder / "samples.jsonl", run.samples);
    read_baselines(folder / "extra.json", run);
    const ReportJson facts = read_json(folder / "run.json"), data = read_json(folder / "data.json");
    if (facts.is_object()) {
        flatten(facts, "", run.facts);
        run.parameters = std::max(0.0, json_number(facts, "parameters"));
    }
    if (data.is_object()) flatten(data, "", run.data);
    return run;
}

}  // namespace gradus
