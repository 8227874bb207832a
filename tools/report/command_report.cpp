// gradus report: one HTML page about a run, or about several.
#include <fmt/format.h>

#include "tools/cli.h"
#include "tools/report/comparison.h"
#include "tools/report/json_lines.h"
#include "tools/report/page.h"

namespace gradus {

namespace {

struct ReportCommand {
    std::vector<std::string> runs;
    std::string out;
};

// The folder that contains all of them.
fs::path common_folder(const std::vector<fs::path>& folders) {
    fs::path common = fs::absolute(folders.front()).lexically_normal() / "";
    const auto contains = [](const fs::path& above, const fs::path& folder) {
        return !folder.lexically_relative(above).empty() && *folder.lexically_relative(above).begin() != "..";
    };
    for (const fs::path& f : folders)
        while (!contains(common, fs::absolute(f).lexically_normal() / "") && common != common.root_path())
            common = common.parent_path().parent_path() / "";
    return common;
}

fs::path default_page(const std::vector<fs::path>& folders) {
    if (folders.size() == 1) return folders.front() / "report.html";
    const fs::path common = common_folder(folders);
    if (common == common.root_path())
        throw Error("there is no place for the page", "the runs have no folder in common", "--out FILE.html");
    const fs::path near = common.lexically_relative(fs::current_path());
    return ((near.empty() || *near.begin() == ".." ? common : near) / "report.html").lexically_normal();
}

ReportPage page_of(const std::vector<fs::path>& folders) {
    ReportPage page;
    page.stages = find_stages(folders);
    for (const fs::path& folder : folders) {
        // A folder with a table of stages need not be a run.
        if (!is_file(folder / "log.jsonl") && page.stages && is_file(folder / "stages.json")) continue;
        try {
            page.runs.push_back(read_run(folder));
        } catch (const Error& e) {
            // Of several runs one may have only begun.
            if (folders.size() == 1 || !is_file(folder / "log.jsonl")) throw;
            page.notes.push_back(std::string(e.what()) + ": " + e.cause);
        }
    }
    name_apart(page.runs);
    return page;
}

}  // namespace

void add_report_command(CLI::App& app) {
    auto o = std::make_shared<ReportCommand>();
    CLI::App* command = app.add_subcommand(
        "report",
        "Makes one self-contained HTML page of a run of any stage: numbers and curves (log.jsonl), samples "
        "(samples.jsonl), data statistics\n"
        "(data.json), settings (recipe.toml), and the table of its stages (stages.json). A list of {name, "
        "bits_per_byte} in RUN/extra.json is drawn\n"
        "as horizontal lines in the validation curve. Several runs are one page, and those of one stage are "
        "compared.\n\n"
        "Example: gradus report runs/first --out first.html\n"
        "Example: gradus report runs/sft runs/reward runs/ppo");
    command->add_option("RUN", o->runs, "folders of runs, in the order of the page")->required();
    command->add_option("--out", o->out,
                        "the page; default: report.html in RUN, or of several runs in the folder that contains them");
    command->callback([o] {
        const std::vector<fs::path> folders(o->runs.begin(), o->runs.end());
        ReportPage page = page_of(folders);
        page.file = o->out.empty() ? default_page(folders) : fs::path(o->out);
        write_file_atomically(page.file, html_of(page));
        fmt::print("{}\n", page.file.string());
    });
}

}  // namespace gradus
