#pragma once
// Reads a run's folder: the numbers of log.jsonl, samples, settings, statistics and baselines. Only log.jsonl is required.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/config_file.h"
#include "engine/settings/stage.h"
#include "tools/report/run_log.h"

namespace gradus {

struct ReportSample {
    int64_t step = 0;
    std::string prompt, text;
    std::optional<double> score;
    bool ended = true;
};

struct ReportRun {
    fs::path folder;
    std::string name;
    Stage stage = Stage::pretrain;  // of its recipe, or what its log says
    ReportLog log;
    std::vector<ReportSample> samples;                             // samples.jsonl, in the order of their steps
    std::vector<std::pair<std::string, double>> baselines;         // extra.json: name, bits per byte
    std::vector<std::pair<std::string, std::string>> facts, data;  // run.json, data.json: name, value
    std::map<std::string, Value> settings;                         // recipe.toml
    double parameters = 0;

    const Curve& curve(const std::string& key) const { return log.curve(key); }
    // A setting; 0 or "" where there is none.
    double number_set(const std::string& key) const;
    std::string string_set(const std::string& key) const;
    // The folder of the reward model that scores the answers; "": none.
    std::string reward_model() const;
};

// Error if the folder has no log, or no line of it can be read.
ReportRun read_run(const fs::path& folder);

}  // namespace gradus
