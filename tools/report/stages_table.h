#pragma once
// stages.json, the table that gradus stages writes: the stages of one model, and what each answers to the same prompts.
#include <optional>
#include <string>
#include <vector>

#include "tools/report/links.h"

namespace gradus {

struct StagesTable {
    struct Answer {
        std::string prompt, text;
    };
    struct Stage {
        std::string name, model;
        std::vector<std::optional<double>> values;  // of stage_columns(); nothing: not measured
        std::vector<Answer> answers;
    };
    fs::path file;
    std::vector<Stage> stages;
};

struct StageColumn {
    const char *key, *name, *unit, *good;
};
const std::vector<StageColumn>& stage_columns();

// What cannot be read of a stage is left out. Error if the file is not a list of stages.
StagesTable read_stages(const fs::path& file);

// The stages.json of the folder of a run; or else of one or two folders above, if one of its stages is that run.
std::optional<StagesTable> find_stages(const std::vector<fs::path>& folders);

// The part of the page.
std::string stages_html(const StagesTable&, const PageLinks&);

}  // namespace gradus
