// A command line in one string is parted as a shell parts it.
#include <catch2/catch.hpp>

#include "engine/base/error.h"
#include "tools/supervise/words.h"

using namespace gradus;

using Words = std::vector<std::string>;

TEST_CASE("Blanks part words and no others") {
    REQUIRE(split_words("mpirun -n 4") == Words{"mpirun", "-n", "4"});
    REQUIRE(split_words("  mpirun\t-n\n 4  ") == Words{"mpirun", "-n", "4"});
    REQUIRE(split_words("") == Words{});
    REQUIRE(split_words(" \t ") == Words{});
}

TEST_CASE("Quotes and backslashes keep what a shell keeps") {
    REQUIRE(split_words("a 'b  c' \"d  e\"") == Words{"a", "b  c", "d  e"});
    REQUIRE(split_words("a'b'\"c\"d") == Words{"abcd"});
    REQUIRE(split_words("'' \"\"") == Words{"", ""});
    REQUIRE(split_words("a\\ b \\'c") == Words{"a b", "'c"});
    REQUIRE(split_words("'a\\b'") == Words{"a\\b"});
    REQUIRE(split_words("\"a\\b\\\"\\\\\\$\\`\"") == Words{"a\\b\"\\$`"});
    REQUIRE(split_words("$HOME *.toml > x") == Words{"$HOME", "*.toml", ">", "x"});
}

TEST_CASE("An open quote or a last backslash is an Error that quotes the line") {
    for (const char* line : {"mpirun 'n", "mpirun \"n", "mpirun n\\", "\"n\\"}) {
        try {
            split_words(line);
            FAIL("'" << line << "' was taken");
        } catch (const Error& e) { REQUIRE(std::string(e.what()).find(line) != std::string::npos); }
    }
}

TEST_CASE("Words that were joined are parted into the same words") {
    const Words words = {"gradus", "pretrain", "my recipe.toml", "--set", "a=\"b c\"", "it's", "", "$x", "\\",
                         "ü",      "a\nb"};
    REQUIRE(split_words(join_words(words)) == words);
    REQUIRE(join_words({"gradus", "pretrain", "tools/recipes/quickstart.toml", "--set", "run.dir=runs/a"}) ==
            "gradus pretrain tools/recipes/quickstart.toml --set run.dir=runs/a");
}
