#include "tools/completion.h"

#include <algorithm>

#include "engine/config.h"
#include "tools/find_recipe.h"

namespace gradus {

namespace {

// The values of an option with a fixed list: CLI11 describes it as "TEXT:{f32,bf16}".
Words choices_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const size_t open = type.find('{'), close = type.rfind('}');
    Words choices;
    if (open == std::string::npos || close == std::string::npos) return choices;
    for (size_t start = open + 1; start < close;) {
        const size_t end = std::min(type.find(',', start), close);
        choices.push_back(type.substr(start, end - start));
        start = end + 1;
    }
    return choices;
}

const CLI::Option* option_named(const CLI::App& command, const std::string& name) {
    if (!name.starts_with("-")) return nullptr;
    for (const CLI::Option* option : command.get_options())
        if (option->check_name(name)) return option;
    return nullptr;
}

bool takes_recipe(const CLI::App& command) { return command.get_option_no_throw("RECIPE") != nullptr; }

}  // namespace

Words completions(const CLI::App& program, const Words& words) {
    const CLI::App* command = &program;
    size_t depth = 0;
    for (; depth + 1 < words.size(); ++depth) {
        const auto found = command->get_subcommands([&](const CLI::App* c) { return c->get_name() == words[depth]; });
        if (found.empty()) break;
        command = found.front();
    }
    const std::string last = words.empty() ? "" : words.back(),
                      before = words.size() > 1 ? words[words.size() - 2] : "";
    Words all;
    if (const CLI::Option* option = option_named(*command, before); option && option->get_items_expected_max() > 0) {
        all = choices_of(*option);
        if (before == "--set")
            for (const std::string& name : all_setting_names()) all.push_back(name + "=");
    } else if (last.starts_with("-")) {
        for (const CLI::Option* o : command->get_options())
            for (const std::string& name : o->get_lnames()) all.push_back("--" + name);
        if (takes_settings(*command) && last.size() > 2)
            for (const std::string& name : all_setting_names()) all.push_back("--" + name + "=");
    } else {
        for (const CLI::App* c : command->get_subcommands({})) all.push_back(c->get_name());
        if (takes_recipe(*command) && depth + 1 == words.size()) all = recipe_names();
    }
    std::erase_if(all, [&](const std::string& word) { return !word.starts_with(last); });
    return all;
}

}  // namespace gradus
