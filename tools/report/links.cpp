#include "tools/report/links.h"

#include <fmt/format.h>

#include "tools/report/html.h"
#include "tools/report/json_lines.h"

namespace gradus {

namespace {

fs::path real_path(const fs::path& path) {
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    return failed ? fs::path() : real;
}

}  // namespace

std::string run_of_model(const std::string& model) {
    fs::path path = fs::path(model).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    if (path.parent_path().filename() == "checkpoints") path = path.parent_path().parent_path();
    return path.string();
}

fs::path folder_near(const std::string& path, const fs::path& near) {
    if (path.empty()) return {};
    std::error_code ignored;
    for (fs::path from = fs::absolute(near).lexically_normal();; from = from.parent_path()) {
        if (fs::is_directory(from / path, ignored)) return real_path(from / path);
        if (from == from.parent_path()) break;
    }
    return fs::is_directory(path, ignored) ? real_path(path) : fs::path();
}

PageLinks::PageLinks(const std::vector<ReportRun>& runs, const fs::path& page)
    : page_folder_(real_path(fs::absolute(page).parent_path())) {
    for (const ReportRun& r : runs) folders_.push_back(real_path(r.folder));
}

std::string PageLinks::id_of(size_t run) { return fmt::format("run{}", run + 1); }

std::optional<size_t> PageLinks::run_meant(const std::string& model, const fs::path& near) const {
    const fs::path folder = folder_near(run_of_model(model), near);
    for (size_t i = 0; i < folders_.size(); ++i)
        if (!folder.empty() && folders_[i] == folder) return i;
    return std::nullopt;
}

std::string PageLinks::to(const std::string& model, const fs::path& near) const {
    const std::string path = run_of_model(model), full = escape_html(path);
    const std::string name = escape_html(fs::path(path).filename().string());
    const auto link = [&](const std::string& target) {
        return fmt::format("<a href=\"{}\" title=\"{}\">{}</a>", target, full, name);
    };
    if (const auto run = run_meant(model, near)) return link("#" + id_of(*run));
    const fs::path folder = folder_near(path, near);
    if (!folder.empty() && is_file(folder / "report.html"))
        return link(escape_path((folder / "report.html").lexically_relative(page_folder_).generic_string()));
    const bool has_log = !folder.empty() && is_file(folder / "log.jsonl");
    return fmt::format("<code title=\"{0}\">{1}</code>{2}", full, name,
                       has_log ? fmt::format(" (no page: gradus report {})", full) : "");
}

}  // namespace gradus
