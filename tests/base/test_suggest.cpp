// What "did you mean" takes for a typing mistake.
#include <catch2/catch.hpp>

#include "engine/base/suggest.h"

using namespace gradus;

TEST_CASE("The edit distance counts insertions, deletions, replacements and swaps of neighbours") {
    REQUIRE(edit_distance("", "") == 0);
    REQUIRE(edit_distance("", "abc") == 3);
    REQUIRE(edit_distance("warmup", "warmup") == 0);
    REQUIRE(edit_distance("warmpu", "warmup") == 1);
    REQUIRE(edit_distance("warmup", "wrmup") == 1);
    REQUIRE(edit_distance("kitten", "sitting") == 3);
    REQUIRE(edit_distance("abc", "xyz") == 3);
}

TEST_CASE("The nearest name is the one that was meant, and nothing when none was") {
    const std::vector<std::string> names = {"train.batch", "train.micro_batch", "optimizer.lr", "validation.every"};
    REQUIRE(nearest_name("train.microbatch", names) == "train.micro_batch");
    REQUIRE(nearest_name("train.bacth", names) == "train.batch");
    REQUIRE(nearest_name("lr", names) == "optimizer.lr");
    REQUIRE(nearest_name("micro_bach", names) == "train.micro_batch");
    REQUIRE(nearest_name("colour", names) == "");
    REQUIRE(nearest_name("", names) == "");
    REQUIRE(nearest_name(std::string(100000, 'x'), names) == "");
    REQUIRE(nearest_name("lr", {}) == "");
}

TEST_CASE("A short word with another letter is another word, and one with two letters swapped is not") {
    const std::vector<std::string> devices = {"cpu", "cuda", "simt"};
    REQUIRE(nearest_name("gpu", devices) == "");
    REQUIRE(nearest_name("tpu", devices) == "");
    REQUIRE(nearest_name("pcu", devices) == "cpu");
    REQUIRE(nearest_name("cp", devices) == "cpu");
    REQUIRE(nearest_name("cudo", devices) == "cuda");
    REQUIRE(nearest_name("ls", {"optimizer.lr"}) == "");
}

TEST_CASE("A synonym is found in capital letters and with hyphens") {
    constexpr Synonym elsewhere[] = {{"learning_rate", "lr"}, {"gpu", "cuda"}};
    REQUIRE(name_by_synonym("Learning-Rate", elsewhere) == "lr");
    REQUIRE(name_by_synonym("GPU", elsewhere) == "cuda");
    REQUIRE(name_by_synonym("rate", elsewhere) == "");
    REQUIRE(name_by_synonym("", elsewhere) == "");
}
