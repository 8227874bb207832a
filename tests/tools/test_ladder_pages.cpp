// The pages of docs/kernels/ against the ladders.
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include <algorithm>
#include <map>

#include "engine/base/file.h"
#include "kernels/ladder.h"

using namespace gradus;

namespace {

// The text between the marks of a family's table, or nothing.
std::string table_of(const std::string& family) {
    const fs::path page = fs::path(GRADUS_ROOT) / "docs/kernels" / (family + ".md");
    if (!fs::exists(page)) return {};
    const std::string text = read_file(page), mark = "<!-- rungs: " + family + " -->\n";
    const size_t begin = text.find(mark), end = text.find("<!-- /rungs -->", begin);
    INFO(page);
    REQUIRE(begin != text.npos);
    REQUIRE(end != text.npos);
    return text.substr(begin + mark.size(), end - begin - mark.size());
}

}  // namespace

TEST_CASE(
    "the page of a ladder has every rung with its idea, in order; tools/compare/ladder_tables.py writes the table") {
    std::map<std::string, std::vector<const Rung*>> families;
    for (const Rung& rung : simt_ladder()) families[rung.family].push_back(&rung);
    for (const auto& [family, rungs] : families) {
        const std::string table = table_of(family);
        if (table.find("Shape: ") != 0) continue;  // no page, or a table by hand
        size_t at = 0;
        for (const Rung* rung : rungs) {
            INFO(family << " should have a row of the rung '" << rung->name << "' with its idea: " << rung->idea);
            at = std::min(table.find("\n| " + rung->name + " |", at), table.find("\n| " + rung->name + ", ", at));
            REQUIRE(at != table.npos);
            REQUIRE(table.substr(at + 1, table.find('\n', at + 1) - at).find("| " + rung->idea + " |") != table.npos);
        }
    }
}
