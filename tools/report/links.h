#pragma once
// Which run a path of a recipe or of a table of stages means, and where its page is.
#include <optional>
#include <string>
#include <vector>

#include "tools/report/run.h"

namespace gradus {

// The folder of the run that a model is of: without checkpoints/… at its end.
std::string run_of_model(const std::string& model);

// A path is relative to where a command was started, which is not known: the folder is looked for from `near` and the folders
// above it, the nearest first, and then from the working directory. Empty if there is none.
fs::path folder_near(const std::string& path, const fs::path& near);

// A run that the page is about, or another one.
class PageLinks {
public:
    // Runs of the page, by the ids of their parts; `page`: the file that is written.
    PageLinks(const std::vector<ReportRun>& runs, const fs::path& page);

    static std::string id_of(size_t run);

    // A link to the part of the page, or to the other run's own report.html; without that, its name and the command that
    // makes its page. near: folder from which the path may be meant.
    std::string to(const std::string& model, const fs::path& near) const;
    // The index of the run that is meant, if the page is about it.
    std::optional<size_t> run_meant(const std::string& model, const fs::path& near) const;

private:
    std::vector<fs::path> folders_;
    fs::path page_folder_;
};

}  // namespace gradus
