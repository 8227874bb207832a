#pragma once
// What the model writes, over the steps of its run: where prompts come again, the answers to one of them side by side; and all
// answers of some steps, to step through. Both work without a script.
#include <string>
#include <vector>

#include "tools/report/run.h"

namespace gradus {

// The samples of one prompt, in the order of their steps.
struct PromptHistory {
    std::string prompt;
    std::vector<std::vector<const ReportSample*>> steps;  // of each step at least one
};

// Of the prompts that were answered at several steps, those with the most steps first; at most `most`. Of each at most
// `most_steps` steps, evenly spread, with the first and the last. They point into `samples`.
std::vector<PromptHistory> histories_of(const std::vector<ReportSample>& samples, size_t most, size_t most_steps);

// The samples of each step: at most `most` steps, evenly spread, with the first and the last.
std::vector<std::vector<const ReportSample*>> samples_by_step(const std::vector<ReportSample>& samples, size_t most);

// The part of the page; "" without samples. id: unique on the page.
std::string samples_html(const ReportRun&, const std::string& id);

// Rules of the style sheet for what is stepped through.
std::string stepper_rules();

}  // namespace gradus
