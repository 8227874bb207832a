#pragma once
// Several runs on one page: a table of what each is and how it went, and the numbers of runs of the same stage in one chart.
#include <string>
#include <vector>

#include "tools/report/links.h"
#include "tools/report/run.h"

namespace gradus {

// Names the runs by their folders, and as much of the path as tells them apart: "round-1/ppo", "round-2/ppo".
void name_apart(std::vector<ReportRun>&);

std::string table_of_runs(const std::vector<ReportRun>&, const PageLinks&);

// For each stage that several of the runs have; "" if there is none.
std::string compared_charts(const std::vector<ReportRun>&);

// "12 of 40 steps"
std::string progress_of(const ReportRun&);

// The model that the run started from, and its reward model: "from …, reward model …" as HTML; "" without them.
std::string origins_of(const ReportRun&, const PageLinks&);

}  // namespace gradus
