// The state of a run in gradus/manifest.json, and manifests of older versions: engine/checkpoint/manifest.h.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

using Json = nlohmann::json;

// All values are different, and none is a short decimal.
StabilityState some_state() {
    StabilityState s;
    for (int i = 0; i < 40; ++i) {
        s.losses.push_back(3 + std::sin(i) / 3);
        s.norms.push_back(1 + std::cos(i) / 7);
    }
    s.skipped_in_a_row = 2;
    s.skipped = 31;
    s.data_offset = 500;
    s.rate = std::pow(0.97, 11);
    s.diverged_at = 97;
    s.rolled_back_to = 84;
    return s;
}

// Writes the manifest as another program might, with a correct checksum; returns the Error of reading it.
std::string rewritten(const fs::path& folder, const std::function<void(Json&)>& change) {
    const fs::path path = folder / manifest_name;
    Json j = Json::parse(read_file(path));
    j.erase("xxh3_64");
    change(j);
    j["xxh3_64"] = hexadecimal(checksum_of(j.dump()));
    write_file_atomically(path, j.dump());
    return refusal([&] { read_manifest(folder); });
}

struct WrittenManifest {
    TemporaryFolder folder;

    WrittenManifest() {
        fs::create_directory(folder / "gradus");
        write_manifest(folder.path(), {.state = {.step = 120,
                                                 .tokens = 7000000000,
                                                 .seed = ~0ull,
                                                 .recipe = "[model]\n",
                                                 .compatible = "batch = 8\n",
                                                 .stability = some_state(),
                                                 .rollback_targets = std::vector<int64_t>{80, 84, 120},
                                                 .best = {100, 0.1 + 0.2, 3, true}},
                                       .dtype = "f32",
                                       .files = {}});
    }
};

}  // namespace

TEST_CASE("a manifest keeps the complete state of stability and the rollback targets, bit for bit") {
    const WrittenManifest m;
    const TrainingState state = read_manifest(m.folder.path()).state;
    REQUIRE(state.stability == some_state());
    REQUIRE(state.rollback_targets == std::vector<int64_t>{80, 84, 120});
    REQUIRE(state.best == BestValidation{100, 0.1 + 0.2, 3, true});
    REQUIRE(state.tokens == 7000000000);
    REQUIRE(state.seed == ~0ull);
}

TEST_CASE("a manifest of an older version, without last rollback and targets, is read") {
    const WrittenManifest m;
    REQUIRE(rewritten(m.folder.path(), [](Json& j) {
                j.erase("rollback_targets");
                j.erase("best");
                j["stability"].erase("diverged_at");
                j["stability"].erase("rolled_back_to");
            }) == "");
    TrainingState state = read_manifest(m.folder.path()).state;
    StabilityState expected = some_state();
    expected.diverged_at = expected.rolled_back_to = 0;
    REQUIRE(state.stability == expected);
    REQUIRE_FALSE(state.rollback_targets);
    REQUIRE(state.best == BestValidation{});
    REQUIRE(rewritten(m.folder.path(), [](Json& j) { j.erase("stability"); }) == "");
    REQUIRE(read_manifest(m.folder.path()).state.stability == StabilityState{});
}

TEST_CASE("an empty list of rollback targets is read back") {
    const WrittenManifest m;
    REQUIRE(rewritten(m.folder.path(), [](Json& j) { j["rollback_targets"] = Json::array(); }) == "");
    REQUIRE(read_manifest(m.folder.path()).state.rollback_targets == std::vector<int64_t>{});
}

TEST_CASE("a manifest with an invalid rollback state is refused with the key") {
    const WrittenManifest m;
    const Json good = Json::parse(read_file(m.folder.path() / manifest_name));
    for (const Json& bad : {Json(-1), Json(1.5), Json("84"), Json(), Json(~0ull)}) {
        INFO(bad.dump());
        for (const char* key : {"diverged_at", "rolled_back_to", "data_offset", "skipped", "skipped_in_a_row"})
            REQUIRE(says(rewritten(m.folder.path(),
                                   [&](Json& j) {
                                       j = good;
                                       j.erase("xxh3_64");
                                       j["stability"][key] = bad;
                                   }),
                         "\"stability\""));
        for (const Json& list : {bad, Json::array({bad}), Json::array({1, bad})})
            REQUIRE(says(rewritten(m.folder.path(),
                                   [&](Json& j) {
                                       j = good;
                                       j.erase("xxh3_64");
                                       j["rollback_targets"] = list;
                                   }),
                         "\"rollback_targets\""));
    }
    for (const char* key : {"step", "loss", "without", "kept"})
        REQUIRE(says(rewritten(m.folder.path(),
                               [&](Json& j) {
                                   j = good;
                                   j.erase("xxh3_64");
                                   j["best"].erase(key);
                               }),
                     "\"best\""));
    for (const Json& list : {Json::array({4, 2}), Json::array({2, 2})})
        REQUIRE(says(rewritten(m.folder.path(), [&](Json& j) { j["rollback_targets"] = list; }), "rollback_targets"));
}
