#pragma once
// The tables of settings in docs/commands.md, and what their rows should be.
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "engine/base/file.h"
#include "engine/base/settings.h"

namespace gradus {

// As people write it: 2^20, 1e15, 0.99.
inline std::string text_of_limit(double x) {
    if (x >= 1 << 16 && std::exp2(std::round(std::log2(x))) == x) return fmt::format("2^{}", std::log2(x));
    for (int exponent : {-20, -6, 6, 9, 12, 15})
        if (fmt::format("{:.0e}", x) == fmt::format("{:.0e}", std::pow(10.0, exponent)) && std::log10(x) == exponent)
            return fmt::format("1e{}", exponent);
    return fmt::format("{}", x);
}

inline std::string text_of_limits(const Limits& l) {
    std::string names;
    for (const Choice& c : l.choices) names += (names.empty() ? "" : ", ") + c.name;
    if (!names.empty() || std::isinf(l.least)) return names;
    return text_of_limit(l.least) + " … " + text_of_limit(l.most);
}

inline const char* type_of(const DeclaredSetting& s) {
    constexpr const char* types[] = {"bool", "bool", "whole", "number", "string", "strings"};
    return types[s.field.index()];
}

inline std::string without_backticks(std::string text) {
    std::erase(text, '`');
    return text;
}

// | key | type | default | limits | resume | meaning |
inline std::string row_of(const DeclaredSetting& s) {
    return without_backticks(fmt::format("| {} | {} | {} | {} | {} | {} |", s.key, type_of(s),
                                         s.is_set() ? toml_text(*s.value()) : "unset", text_of_limits(s.limits),
                                         s.on_resume == OnResume::fixed ? "same" : "free", s.help));
}

// The rows of the first table of settings after that heading.
inline std::vector<std::string> rows_of_page(const std::string& heading) {
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

inline void require_rows(const std::vector<std::string>& rows, const std::vector<std::string>& wanted) {
    size_t i = 0;
    for (const std::string& row : wanted) {
        INFO("a row of docs/commands.md should be:\n" << row);
        REQUIRE(i < rows.size());
        REQUIRE(rows[i++] == row);
    }
    REQUIRE(i == rows.size());
}

}  // namespace gradus
