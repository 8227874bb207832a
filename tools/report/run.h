#pragma once
// Reads a run's folder: the curves of log.jsonl, samples, settings, statistics and baselines. Only log.jsonl is
// required; unreadable lines of it are skipped and counted.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct Point {
    double x = 0, y = 0;
};
using Curve = std::vector<Point>;  // x ascending

struct ReportRun {
    std::string name;
    Curve loss, grad_norm, lr, tokens_per_second, val_loss, val_bits_per_byte;  // over steps done
    double seconds = 0, tokens = 0;                                             // in training steps
    int64_t unreadable_lines = 0;

    struct Sample {
        int64_t step = 0;
        std::string prompt, text;
    };
    std::vector<Sample> samples;                                   // samples.jsonl, of the last step first
    std::vector<std::pair<std::string, double>> baselines;         // extra.json: name, bits per byte
    std::vector<std::pair<std::string, std::string>> facts, data;  // run.json, data.json: name, value
    std::map<std::string, std::string> settings;                   // recipe.toml: key, value
    double parameters = 0, steps = 0;

    double last(const Curve& c) const { return c.empty() ? 0 : c.back().y; }
};

// Error if the folder has no log, or no line of it can be read.
ReportRun read_run(const fs::path& folder);

}  // namespace gradus
