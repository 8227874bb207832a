// gradus report: one HTML page about a run.
#include <fmt/format.h>

#include "tools/cli.h"
#include "tools/report/page.h"

namespace gradus {

void add_report_command(CLI::App& app) {
    struct Options {
        std::string run, out;
    };
    auto o = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("report",
                                           "Makes one self-contained HTML page of a run: numbers and curves "
                                           "(log.jsonl), samples (samples.jsonl), data statistics\n"
                                           "(data.json) and settings (recipe.toml). A list of {name, "
                                           "bits_per_byte} in RUN/extra.json is drawn as horizontal\n"
                                           "lines in the validation curve.\n\n"
                                           "Example: gradus report runs/first --out first.html");
    command->add_option("RUN", o->run, "folder of the run")->required();
    command->add_option("--out", o->out, "the page; default: RUN/report.html");
    command->callback([o] {
        const fs::path out = o->out.empty() ? fs::path(o->run) / "report.html" : fs::path(o->out);
        write_file_atomically(out, html_of(read_run(o->run)));
        fmt::print("{}\n", out.string());
    });
}

}  // namespace gradus
