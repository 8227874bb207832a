#pragma once
// Runs as one self-contained HTML page: no scripts, no external fonts or pictures. Links lead to parts of the page, and to the
// pages of other runs.
#include <optional>
#include <string>
#include <vector>

#include "tools/report/run.h"
#include "tools/report/stages_table.h"

namespace gradus {

struct ReportPage {
    std::vector<ReportRun> runs;
    std::optional<StagesTable> stages;
    std::vector<std::string> notes = {};  // what could not be shown
    fs::path file;                        // where the page will be
};

std::string html_of(const ReportPage&);

}  // namespace gradus
