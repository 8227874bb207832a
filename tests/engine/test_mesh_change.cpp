// If ranks cannot divide a run, the smallest change that works is suggested.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/engine/plans.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Asked {
    Config config;
    DataFacts data;
    int ranks;
};

Asked asked(const std::vector<std::string>& assignments, int ranks, int vocab = 301) {
    std::vector<std::string> all = {"run.dir=r", "data.dir=d"};
    all.insert(all.end(), assignments.begin(), assignments.end());
    const PlanRequest request = small_request(all, vocab);
    return {request.config, request.data, ranks};
}

// "": nothing is refused.
std::string fix_of(const Asked& a) {
    try {
        resolve(a.config, a.data, std::nullopt, a.ranks);
        return "";
    } catch (const Error& e) { return e.fix; }
}

std::vector<std::string> parts_of(const std::string& text, const std::string& between) {
    std::vector<std::string> parts;
    for (size_t from = 0, to; from <= text.size(); from = to + between.size()) {
        to = std::min(text.find(between, from), text.size());
        parts.push_back(text.substr(from, to - from));
    }
    return parts;
}

// Applies one of the alternatives of a fix.
Asked changed(Asked a, const std::string& alternative) {
    if (alternative.starts_with("mpirun -n ")) a.ranks = std::stoi(alternative.substr(10));
    const size_t first = alternative.find("--set ");
    if (first == std::string::npos) return a;
    for (const std::string& assignment : parts_of(alternative.substr(first + 6), " --set "))
        apply_settings(a.config, {parse_assignment(assignment)});
    return a;
}

}  // namespace

TEST_CASE("If ranks cannot divide the rows of a micro-batch, a larger micro-batch is suggested on the same mesh") {
    REQUIRE(fix_of(asked({"train.context=15", "train.micro_batch=1", "mesh.tp=2"}, 2)) == "--set train.micro_batch=2");
    REQUIRE(fix_of(asked({"train.context=15", "train.micro_batch=1", "mesh.tp=4"}, 8)) == "--set train.micro_batch=4");
    REQUIRE(fix_of(asked({"train.context=15", "train.micro_batch=1", "mesh.tp=2", "mesh.dp=2"}, 4)) ==
            "--set train.micro_batch=2");
    // A batch of one sequence has no larger micro-batch.
    REQUIRE(fix_of(asked({"train.context=15", "train.micro_batch=1", "train.batch=1", "mesh.tp=2"}, 2)) ==
            "--set mesh.tp=1 --set train.batch=2");
}

TEST_CASE("A suggested smaller mesh uses all ranks, with the settings that it needs") {
    REQUIRE(fix_of(asked({"mesh.tp=8"}, 8)) == "--set mesh.tp=4");
    REQUIRE(fix_of(asked({"mesh.tp=8", "mesh.dp=1"}, 8)) == "--set mesh.tp=4 --set mesh.dp=2");
    // Three ranks divide neither tp = 2 nor eight sequences.
    REQUIRE(fix_of(asked({"mesh.tp=3"}, 3)) == "--set mesh.tp=1 --set train.batch=9");
    REQUIRE(fix_of(asked({"train.batch=6", "train.micro_batch=0"}, 4)) == "--set train.batch=8");
    REQUIRE(fix_of(asked({"mesh.tp=2", "mesh.dp=1", "optimizer.kind=muon"}, 2)) ==
            "--set mesh.tp=1 --set mesh.dp=2, or --set optimizer.kind=adamw");
    // The last of four ranks would have none of nine ids, although heads and features are divisible.
    REQUIRE(fix_of(asked({"mesh.tp=4"}, 4, 9)) == "--set mesh.tp=2");
}

TEST_CASE("Settings that need another number of ranks get it suggested, and a mesh for these ranks") {
    REQUIRE(fix_of(asked({"mesh.tp=2"}, 1)) == "mpirun -n 2 gradus … with these settings, or --set mesh.tp=1");
    REQUIRE(fix_of(asked({"mesh.tp=2", "mesh.dp=2"}, 8)) ==
            "mpirun -n 4 gradus … with these settings, or --set mesh.dp=4");
    REQUIRE(fix_of(asked({"mesh.dp=4"}, 2)) == "mpirun -n 4 gradus … with these settings, or --set mesh.dp=2");
}

TEST_CASE("Every suggestion for a mesh works as written") {
    int refused = 0;
    for (const char* heads : {"model.heads=4", "model.heads=6", "model.heads=3"})
        for (const char* optimizer : {"adamw", "muon"})
            for (int context : {15, 64})
                for (int batch : {1, 6, 8})
                    for (int micro : {0, 1, 4})
                        for (int dp : {0, 1, 2, 3})
                            for (int tp : {1, 2, 3, 4, 8})
                                for (int ranks : {1, 2, 3, 4, 6, 8}) {
                                    const Asked a =
                                        asked({heads, std::string("optimizer.kind=") + optimizer,
                                               "train.context=" + std::to_string(context),
                                               "train.batch=" + std::to_string(batch),
                                               "train.micro_batch=" + std::to_string(micro),
                                               "mesh.dp=" + std::to_string(dp), "mesh.tp=" + std::to_string(tp)},
                                              ranks, 17);
                                    const std::string fix = fix_of(a);
                                    if (fix.empty()) continue;
                                    ++refused;
                                    for (const std::string& alternative : parts_of(fix, ", or ")) {
                                        const std::string again = fix_of(changed(a, alternative));
                                        if (again.empty()) continue;
                                        INFO(heads << " " << optimizer << " context " << context << " batch " << batch
                                                   << " micro " << micro << " dp " << dp << " tp " << tp << " on "
                                                   << ranks << ": " << alternative);
                                        REQUIRE(again == "");
                                    }
                                }
    REQUIRE(refused > 1000);
}
