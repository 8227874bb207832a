#include "tools/report/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/config_file.h"
#include "engine/base/error.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

using Json = nlohmann::ordered_json;

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

double number_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number() ? found->get<double>() : std::nan("");
}

std::string string_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Empty if it is not a valid number of steps.
std::optional<int64_t> step_of(const Json& object) {
    const auto found = object.find("step");
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    const double step = found->get<double>();
    return step >= 0 && step < 1e15 ? std::optional<int64_t>(int64_t(step)) : std::nullopt;
}

// Calls each(object) for every line that is a JSON object; returns the number of other lines.
template <class Each>
int64_t for_each_line(const fs::path& file, Each&& each) {
    int64_t bad = 0;
    const std::string text = read_file(file);
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find('\n', start), text.size());
        const Json line = Json::parse(text.begin() + int64_t(start), text.begin() + int64_t(end), nullptr, false);
        if (line.is_object()) each(line);
        else ++bad;
        start = end + 1;
    }
    return bad;
}

void add(Curve& curve, double x, double y) {
    if (std::isfinite(y)) curve.push_back({x, y});
}

void read_log(const fs::path& file, ReportRun& run) {
    run.unreadable_lines = for_each_line(file, [&](const Json& line) {
        const auto steps = step_of(line);
        if (!steps) return;
        const double step = double(*steps), ms = number_of(line, "ms"), tokens = number_of(line, "tokens");
        add(run.loss, step, number_of(line, "loss"));
        add(run.grad_norm, step, number_of(line, "grad_norm"));
        add(run.lr, step, number_of(line, "lr"));
        add(run.val_loss, step, number_of(line, "val_loss"));
        add(run.val_bits_per_byte, step, number_of(line, "val_bits_per_byte"));
        if (ms > 0) add(run.tokens_per_second, step, tokens / ms * 1e3);
        if (ms > 0) run.seconds += ms * 1e-3;
        if (tokens > 0) run.tokens += tokens;
    });
    for (Curve* c : {&run.loss, &run.grad_norm, &run.lr, &run.tokens_per_second, &run.val_loss, &run.val_bits_per_byte})
        std::stable_sort(c->begin(), c->end(), [](const Point& a, const Point& b) { return a.x < b.x; });
}

std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return text_of_whole(value.get<int64_t>());
    if (value.is_number()) return fmt::format("{:.4g}", value.get<double>());
    return value.dump();
}

// The members of an object, with nested names joined; long lists are omitted.
void flatten(const Json& object, const std::string& prefix, std::vector<std::pair<std::string, std::string>>& out,
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

Json read_json(const fs::path& file) { return is_file(file) ? Json::parse(read_file(file), nullptr, false) : Json(); }

void read_baselines(const fs::path& file, ReportRun& run) {
    const Json list = read_json(file);
    if (list.is_null()) return;
    bool good = list.is_array();
    if (good)
        for (const Json& y : list) good = good && y.is_object() && std::isfinite(number_of(y, "bits_per_byte"));
    if (!good)
        throw Error("'" + file.string() + "' is not a list of baselines",
                    "it must be a list of {\"name\": …, \"bits_per_byte\": …}", "fix or remove it");
    for (const Json& y : list) run.baselines.emplace_back(string_of(y, "name"), number_of(y, "bits_per_byte"));
}

}  // namespace

ReportRun read_run(const fs::path& folder) {
    ReportRun run;
    const fs::path log = folder / "log.jsonl";
    if (!is_file(log))
        throw Error("there is no run in '" + folder.string() + "'", "it has no log.jsonl",
                    "gradus report RUN, the run.dir of a training run");
    run.name = fs::absolute(folder).lexically_normal().filename().string();
    if (run.name.empty()) run.name = fs::absolute(folder).lexically_normal().parent_path().filename().string();
    read_log(log, run);
    if (run.loss.empty())
        throw Error("the log of '" + folder.string() + "' has no step", "no line of log.jsonl has a step and a loss",
                    "let the run finish its first step: gradus pretrain " + (folder / "recipe.toml").string());

    if (is_file(folder / "samples.jsonl"))
        for_each_line(folder / "samples.jsonl", [&](const Json& line) {
            if (const auto step = step_of(line))
                run.samples.push_back({*step, string_of(line, "prompt"), string_of(line, "text")});
        });
    std::stable_sort(run.samples.begin(), run.samples.end(),
                     [](const auto& a, const auto& b) { return a.step > b.step; });
    read_baselines(folder / "extra.json", run);
    const Json facts = read_json(folder / "run.json"), data = read_json(folder / "data.json");
    if (facts.is_object()) {
        flatten(facts, "", run.facts);
        run.parameters = std::max(0.0, number_of(facts, "parameters"));
    }
    if (data.is_object()) flatten(data, "", run.data);
    if (is_file(folder / "recipe.toml"))
        for (const Setting& s : read_settings(folder / "recipe.toml")) {
            run.settings[s.key] = toml_text(s.value);
            if (const auto* steps = std::get_if<int64_t>(&s.value); steps && s.key == "train.steps")
                run.steps = double(*steps);
        }
    return run;
}

}  // namespace gradus
