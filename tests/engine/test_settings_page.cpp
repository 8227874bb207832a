// The table of settings in docs/commands.md, against what the settings say of themselves.
#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/config.h"
#include "tests/engine/settings_page.h"

using namespace gradus;

namespace {

std::vector<std::string> rows_of(Stage stage) {
    Config defaults(stage);
    std::vector<std::string> rows;
    for (const DeclaredSetting& s : declared(defaults)) rows.push_back(row_of(s));
    return rows;
}

}  // namespace

TEST_CASE("docs/commands.md has every setting with the type, default, limits and help that the setting declares") {
    require_rows(rows_of_page("## Settings of a recipe"), rows_of(Stage::pretrain));
}

TEST_CASE("docs/commands.md has the settings of each stage that differ from those of pre-training") {
    const std::vector<std::string> known = rows_of(Stage::pretrain);
    for (const StageName& stage : stages) {
        if (stage.stage == Stage::pretrain) continue;
        INFO("gradus " << stage.name);
        std::vector<std::string> wanted;
        for (const std::string& row : rows_of(stage.stage))
            if (std::count(known.begin(), known.end(), row) == 0) wanted.push_back(row);
        require_rows(rows_of_page(std::string("### Settings of gradus ") + stage.name), wanted);
    }
}
