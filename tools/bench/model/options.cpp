#include "tools/bench/model/options.h"

#include "tools/bench/model/card.h"

namespace gradus {

void add_model_options(CLI::App& command, std::string& card, int& blocks, std::string& registers) {
    std::vector<std::string> names;
    for (const Card& each : cards()) names.push_back(each.name);
    command.add_option("--card", card, "GPU for which times are modelled")
        ->check(one_of_words(names))
        ->capture_default_str();
    command.add_option("--blocks", blocks, "blocks of each launch that are counted, spread over its grid; 0: all")
        ->transform(whole_between(0, 1 << 30))
        ->capture_default_str();
    command.add_option("--registers", registers,
                       "registers of each kernel, for the occupancy: tests/cuda/budgets.toml");
}

}  // namespace gradus
