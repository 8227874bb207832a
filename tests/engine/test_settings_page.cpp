// The table of settings in docs/commands.md, against what the settings say of themselves.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>

#include "engine/base/file.h"
#include "engine/config.h"

using namespace gradus;

namespace {

// As people write it: 2^20, 1e15, 0.99.
std::string text_of_limit(double x) {
    if (x >= 1 << 16 && std::exp2(std::round(std::log2(x))) == x) return fmt::format("2^{}", std::log2(x));
    for (int exponent : {-20, -6, 6, 9, 12, 15})
        if (fmt::format("{:.0e}", x) == fmt::format("{:.0e}", std::pow(10.0, exponent)) && std::log10(x) == exponent)
            return fmt::format("1e{}", exponent);
    return fmt::format("{}", x);
}

std::string text_of(const Limits& l) {
    std::string names;
    for (const Choice& c : l.choices) names += (names.empty() ? "" : ", ") + c.name;
    if (!names.empty() || std::isinf(l.least)) return names;
    return text_of_limit(l.least) + " … " + text_of_limit(l.most);
}

const char* type_of(const DeclaredSetting& s) {
    constexpr const char* types[] = {"bool", "bool", "whole", "number", "string", "strings"};
    return types[s.field.index()];
}

std::string without_backticks(std::string text) {
    std::erase(text, '`');
    return text;
}

// | key | type | default | limits | resume | meaning |
std::string row_of(const DeclaredSetting& s) {
    return without_backticks(fmt::format("| {} | {} | {} | {} | {} | {} |", s.key, type_of(s),
                                         s.is_set() ? toml_text(*s.value()) : "unset", text_of(s.limits),
                                         s.on_resume == OnResume::fixed ? "same" : "free", s.help));
}

// The rows of the first table of settings after that heading.
std::vector<std::string> rows_of_page(const std::string& heading) {
    std::istringstream page(read_file(fs::path(GRADUS_ROOT) / "docs/commands.md"));
    std::vector<std::string> rows;
    bool in_section = false, in_table = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("#")) in_section = line == heading;
        else if (in_section && line == "| key | type | default | limits | resume | meaning |") in_table = true;
        else if (in_table && line.starts_with("| ")) rows.push_back(without_backticks(line));
        else if (in_table && line.empty()) break;
    }
    return rows;
}

void require_rows(const std::vector<std::string>& rows, const std::vector<std::string>& wanted) {
    size_t i = 0;
    for (const std::string& row : wanted) {
        INFO("a row of docs/commands.md should be:\n" << row);
        REQUIRE(i < rows.size());
        REQUIRE(rows[i++] == row);
    }
    REQUIRE(i == rows.size());
}

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
