// The program: finds the command, runs it, and turns whatever goes wrong into three lines and an exit status.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "engine/base/suggest.h"
#include "tools/cli.h"
#include "tools/ending.h"

namespace gradus {

namespace {

int say(const Error& e, int status) {
    std::fflush(stdout);
    std::fputs((e.text() + "\n").c_str(), stderr);  // where nobody can read it the status still tells
    return status;
}

// 0, if all of what was printed got out.
int status_of_output() {
    std::cout.flush();
    return std::fflush(stdout) == 0 && !std::ferror(stdout) && std::cout ? 0 : say(unwritten_output(), status_error);
}

// "gradus data prepare"
std::string path_of(const CLI::App& app) {
    return app.get_parent() ? path_of(*app.get_parent()) + " " + app.get_name() : "gradus";
}

std::string help_of(const CLI::App& app) { return path_of(app) + " --help"; }

// The command that the first words name. Error when a word stands where a command should and is none.
const CLI::App& command_of(const CLI::App& program, const std::vector<std::string>& words) {
    const CLI::App* app = &program;
    for (const std::string& word : words) {
        std::vector<std::string> names;
        const CLI::App* next = nullptr;
        for (const CLI::App* command : app->get_subcommands({})) {
            names.push_back(command->get_name());
            if (command->get_name() == word) next = command;
        }
        if (names.empty() || word.starts_with("-")) break;
        if (!next) {
            const std::string near = nearest_name(word, names);
            std::string list;
            for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
            throw UsageError("there is no command '" + word + "'", "the commands are " + list,
                             near.empty() ? help_of(*app) : "did you mean '" + near + "'? " + help_of(*app));
        }
        app = next;
    }
    return *app;
}

Error usage_error(const CLI::ParseError& e, const CLI::App& command, const std::vector<std::string>& words) {
    std::string cause = e.what();
    for (char& c : cause) c = c == '\n' ? ' ' : c;
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& word : words) {
        const std::string name = word.substr(0, word.find('='));
        if (!name.starts_with("--") || name == "--" || std::count(known.begin(), known.end(), name)) continue;
        const std::string near = nearest_name(name, known);
        return Error("unknown option '" + name + "'", "in: " + path_of(command) + " … " + word,
                     (near.empty() ? "" : "did you mean '" + near + "'? ") + help_of(command));
    }
    return Error("this command line cannot be run", cause, help_of(command));
}

void describe(CLI::App& app) {
    app.set_version_flag("--version", std::string("gradus ") + version);
    app.require_subcommand(1);
    add_data_command(app);
    add_tokenizer_command(app);
    add_plan_command(app);
    add_pretrain_command(app);
    add_eval_command(app);
    add_generate_command(app);
    add_convert_command(app);
    add_yardsticks_command(app);
    add_report_command(app);
    add_bench_command(app);
    // Last, since commands that are added later would repeat it in their own help.
    app.footer(
        "A first run:\n"
        "  gradus data prepare texts/ --out prepared\n"
        "  gradus tokenizer train prepared --vocab-size 8192 --out prepared\n"
        "  gradus data prepare prepared --out prepared --tokenizer prepared\n"
        "  gradus pretrain tools/recipes/quickstart.toml --set data.dir=prepared --set run.dir=runs/first\n"
        "  gradus generate runs/first --prompt 'Once upon a time'\n\n"
        "Exit status: 0 done, also when Ctrl-C stopped a run after it saved itself; 1 something to mend, said in "
        "three\n"
        "lines; 2 the command line; 70 a bug of gradus; 75 a rank was lost; 130 stopped at once by a second Ctrl-C.");
}

int run(int argc, char** argv) {
    CLI::App app("gradus builds a language model step by step: data, tokenizer, training, evaluation, text.", "gradus");
    describe(app);
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    try {
        const CLI::App& command = command_of(app, words);
        try {
            app.parse(argc, argv);  // runs the command
            return status_of_output();
        } catch (const CLI::ParseError& e) {
            if (e.get_exit_code() == 0) {  // --help, --version
                app.exit(e);
                return status_of_output();
            }
            return say(usage_error(e, command, words), status_usage);
        }
    } catch (const UsageError& e) { return say(e, status_usage); }
}

}  // namespace

}  // namespace gradus

// Threads of OpenMP wait for each other by spinning, for milliseconds. Where another program wants a core, the one that
// is waited for then does not run: a training step took 20 times as long as when they soon go to sleep
// (docs/log.md). The runtime reads the setting only as it starts, so the program starts itself once more.
static void spin_briefly(char** argv) {
    if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
    ::setenv("GOMP_SPINCOUNT", "2000", 1);
    char self[4096] = {};  // by its own path: through /proc/self/exe a process list would call it "exe"
    if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return;
    ::execv(self, argv);  // comes back only where that cannot be done, and then nothing is lost
}

int main(int argc, char** argv) {
    using namespace gradus;
    spin_briefly(argv);
    std::signal(SIGXFSZ, SIG_IGN);  // a file over the user's limit is an error of the write, not the end of the program
    try {
        return run(argc, argv);
    } catch (...) {
        const Ending ending = ending_of(std::current_exception());
        return say(ending.error, ending.status);
    }
}
