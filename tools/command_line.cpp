#include "tools/command_line.h"

#include <algorithm>

#include "engine/base/suggest.h"
#include "engine/config.h"
#include "tools/cli.h"
#include "tools/ending.h"

namespace gradus {

namespace {

constexpr Synonym commands_elsewhere[] = {
    {"train", "pretrain"},     {"run", "pretrain"},      {"resume", "pretrain"},  {"fit", "pretrain"},
    {"sample", "generate"},    {"complete", "generate"}, {"chat", "generate"},    {"inference", "generate"},
    {"evaluate", "eval"},      {"test", "eval"},         {"perplexity", "eval"},  {"validate", "eval"},
    {"tokenize", "tokenizer"}, {"encode", "tokenizer"},  {"decode", "tokenizer"}, {"prepare", "data"},
    {"preprocess", "data"},    {"export", "convert"},    {"import", "convert"},   {"benchmark", "bench"},
    {"annotate", "rank"},      {"label", "rank"},        {"collect", "rank"},     {"estimate", "plan"},
    {"plot", "report"},        {"best_of_n", "best"},    {"bon", "best"},         {"reject", "best"},
};

std::string help_of(const CLI::App& app) { return path_of(app) + " --help"; }

// The command that the first words name.
const CLI::App& named_command(const CLI::App& program, const Words& words) {
    const CLI::App* app = &program;
    for (const std::string& word : words) {
        const auto found = app->get_subcommands([&](const CLI::App* c) { return c->get_name() == word; });
        if (found.empty()) break;
        app = found.front();
    }
    return *app;
}

// "--optimizer.lr=1e-3"; no option of any command has a dot in its name.
bool is_setting(const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    return name.starts_with("--") && name.find('.') != std::string::npos;
}

// "optimizer.lr=1e-3", without the dashes; not a path.
bool is_assignment(const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> names = all_setting_names();
    return name.size() < word.size() && std::count(names.begin(), names.end(), name);
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word[0] == '-' && !std::isdigit(uint8_t(word[1])) && word[1] != '.';
}

// Whether the next word is the value of this option, whatever it looks like.
bool is_value_of(const std::string& before) { return before == "--set" || before == "--launch"; }

std::string joined(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
    return list;
}

}  // namespace

bool takes_settings(const CLI::App& command) { return command.get_option_no_throw("--set") != nullptr; }

Words as_parsed(const CLI::App& program, const Words& typed) {
    Words words = typed;
    if (!words.empty() && words[0] == "help") {
        while (!words.empty() && words[0] == "help") words.erase(words.begin());
        words.push_back("--help");
    }
    if (!words.empty() && words[0] == "yardsticks") words[0] = "baselines";  // the name in earlier versions
    if (!takes_settings(named_command(program, words))) return words;
    Words parsed;
    for (size_t i = 0; i < words.size(); ++i) {
        if (!is_setting(words[i]) || (i > 0 && is_value_of(words[i - 1]))) {
            parsed.push_back(words[i]);
            continue;
        }
        std::string assignment = words[i].substr(2);
        if (assignment.find('=') == std::string::npos) {
            const bool has_value = i + 1 < words.size() && !is_option(words[i + 1]);
            assignment += "=" + (has_value ? words[++i] : std::string("true"));
        }
        parsed.insert(parsed.end(), {"--set", assignment});
    }
    return parsed;
}

std::string path_of(const CLI::App& app) {
    return app.get_parent() ? path_of(*app.get_parent()) + " " + app.get_name() : "gradus";
}

const CLI::App& command_of(const CLI::App& program, const Words& words) {
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
            std::string near = nearest_name(word, names);
            if (const std::string same = name_by_synonym(word, commands_elsewhere);
                near.empty() && std::count(names.begin(), names.end(), same))
                near = same;
            throw UsageError("there is no command '" + word + "'", "the commands are " + joined(names),
                             near.empty() ? help_of(*app) : "did you mean '" + near + "'? " + help_of(*app));
        }
        app = next;
    }
    return *app;
}

Error usage_error(const CLI::ParseError& e, const CLI::App& command, const Words& words) {
    std::string cause = e.what(), meant;
    for (char& c : cause) c = c == '\n' ? ' ' : c;
    if (const size_t mark = cause.rfind(meant_mark); mark != std::string::npos) {
        meant = "did you mean '" + cause.substr(mark + std::string_view(meant_mark).size()) + "'? ";
        cause.resize(mark);
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& word : words) {
        const std::string name = word.substr(0, word.find('='));
        if (!name.starts_with("--") || name == "--" || std::count(known.begin(), known.end(), name)) continue;
        std::string near = nearest_name(name, known);
        if (near.empty() && takes_settings(command))
            if (const std::string setting = setting_meant<Config>(name.substr(2)); !setting.empty())
                near = "--" + setting;
        return Error("unknown option '" + name + "'", "in: " + path_of(command) + " … " + word,
                     (near.empty() ? "" : "did you mean '" + near + "'? ") + help_of(command));
    }
    if (e.get_exit_code() == int(CLI::ExitCodes::ExtrasError)) {
        if (command.get_name() == "generate")
            meant = "put the text in quotes: gradus generate MODEL 'Once upon a time'; ";
        for (size_t i = 0; i < words.size(); ++i)
            if (takes_settings(command) && is_assignment(words[i]) && !(i > 0 && is_value_of(words[i - 1])))
                meant = "--" + words[i] + "; ";
    }
    return Error("the command line is invalid", cause, meant + help_of(command));
}

}  // namespace gradus
