// The program: finds the command, runs it, and converts every exception to three lines and an exit status.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "tools/cli.h"
#include "tools/command_line.h"
#include "tools/completion.h"
#include "tools/ending.h"

namespace gradus {

namespace {

int say(const Error& e, int status) {
    std::fflush(stdout);
    std::fputs((e.text() + "\n").c_str(), stderr);  // if this fails, there is still the exit status
    return status;
}

// 0 if all output was written.
int status_of_output() {
    std::cout.flush();
    return std::fflush(stdout) == 0 && !std::ferror(stdout) && std::cout ? 0 : say(unwritten_output(), status_error);
}

// The list of commands shows the first sentence of each description; the command's own help has the rest.
class Help : public CLI::Formatter {
    std::string make_subcommand(const CLI::App* command) const override {
        std::string text = command->get_description();
        text.resize(std::min({text.size(), text.find(". "), text.find(".\n"), text.find("\n\n"), text.find(": ")}));
        std::replace(text.begin(), text.end(), '\n', ' ');
        for (size_t start = 0; text.size() - start > text_width; ++start)
            text[start = text.rfind(' ', start + text_width)] = '\n';
        std::ostringstream line;
        CLI::detail::format_help(line, command->get_name(), text, column_width_);
        return line.str();
    }
    static constexpr size_t text_width = 88;
};

void describe(CLI::App& app) {
    app.formatter(std::make_shared<Help>());  // first, since commands inherit it
    app.set_version_flag("--version", std::string("gradus ") + version);
    app.require_subcommand(1);
    add_data_command(app);
    add_tokenizer_command(app);
    add_plan_command(app);
    add_pretrain_command(app);
    add_sft_command(app);
    add_reward_command(app);
    add_dpo_command(app);
    add_ppo_command(app);
    add_grpo_command(app);
    add_score_command(app);
    add_best_command(app);
    add_eval_command(app);
    add_generate_command(app);
    add_chat_command(app);
    add_stages_command(app);
    add_rank_command(app);
    add_rounds_command(app);
    add_revise_command(app);
    add_judge_command(app);
    add_convert_command(app);
    add_baselines_command(app);
    add_report_command(app);
    add_bench_command(app);
    // Last, since commands that are added later would repeat it in their help.
    app.footer(
        "A first run:\n"
        "  gradus data prepare texts/ --out prepared\n"
        "  gradus tokenizer train prepared --vocab-size 8192 --out prepared\n"
        "  gradus data prepare prepared --out prepared --tokenizer prepared\n"
        "  gradus pretrain quickstart --data.dir=prepared --run.dir=runs/first\n"
        "  gradus generate runs/first 'Once upon a time'\n\n"
        "gradus help COMMAND: the options of a command.\n\n"
        "Exit status: 0 success, also if Ctrl-C stopped a run and it saved a checkpoint; 1 an error, explained in "
        "three\n"
        "lines; 2 the command line; 70 a bug in gradus; 75 a rank was lost; 130 stopped immediately by a second "
        "Ctrl-C.");
}

int run(int argc, char** argv) {
    CLI::App app("gradus builds a language model step by step: data, tokenizer, training, evaluation, text.", "gradus");
    describe(app);
    const Words typed(argv + std::min(argc, 1), argv + argc);
    if (!typed.empty() && typed.front() == completion_command) {
        for (const std::string& word : completions(app, {typed.begin() + 1, typed.end()})) std::puts(word.c_str());
        return status_of_output();
    }
    const Words words = as_parsed(app, typed);
    try {
        const CLI::App& command = command_of(app, words);
        try {
            Words reversed(words.rbegin(), words.rend());  // as the parser needs them
            app.parse(reversed);                           // runs the command
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

// OpenMP threads wait for each other by spinning for milliseconds. If another program needs a core, a spinning thread
// can keep the thread that it waits for from running: a training step took 20 times as long as with short spinning
// (docs/log.md). The runtime reads the setting only at start-up, so the program executes itself once more.
static void spin_briefly(char** argv) {
    if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
    ::setenv("GOMP_SPINCOUNT", "2000", 1);
    char self[4096] = {};  // by its real path: with /proc/self/exe a process list would show it as "exe"
    if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return;
    ::execv(self, argv);  // returns only on failure, and then the program continues
}

int main(int argc, char** argv) {
    using namespace gradus;
    spin_briefly(argv);
    std::signal(SIGXFSZ,
                SIG_IGN);  // a file above the user's size limit becomes a write error instead of killing the program
    try {
        return run(argc, argv);
    } catch (...) {
        const Ending ending = ending_of(std::current_exception());
        return say(ending.error, ending.status);
    }
}
