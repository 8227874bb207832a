// Ranks that stop, die, fail, or are not in the same call: the others end soon, with an error that names the rank.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

// Requires three lines from one rank, and the end within a few seconds of the scenario's limit.
static Outcome require_failure(const std::string& scenario, int ranks = 2) {
    Outcome outcome = run_ranks(ranks, scenario);
    INFO(outcome.text);
    REQUIRE(outcome.status != 0);
    REQUIRE(outcome.status != 124);  // timed out
    return outcome;
}

#define REQUIRE_SAYS(outcome, part)    \
    do {                               \
        INFO((outcome).text);          \
        REQUIRE((outcome).says(part)); \
    } while (0)

TEST_CASE("a rank that stops is named with its host, the call and the step, and all end") {
    for (int ranks : {2, 4}) {
        const Outcome outcome = require_failure("stopped", ranks);
        REQUIRE_SAYS(outcome, "error: rank 1 on '");
        REQUIRE_SAYS(outcome, "' is lost");
        REQUIRE_SAYS(outcome, "waits in all-reduce #8 of all, 100000 of f32, at step 7");
        REQUIRE_SAYS(outcome, "last seen in all-reduce #7 of all, 1 of f32, at step 7");
        REQUIRE_SAYS(outcome, "fix:   ");
    }
}

// Reported by another rank of the same host, in three lines.
static void require_disappearance(const std::string& scenario, int ranks) {
    const Outcome outcome = require_failure(scenario, ranks);
    REQUIRE_SAYS(outcome, ranks == 2 ? "[rank 0] error: rank 1 on '" : "error: rank 1 on '");
    REQUIRE_SAYS(outcome, "' has disappeared\n  cause: its process ");
    REQUIRE_SAYS(outcome, " ended unexpectedly, last seen in all-reduce #7 of all, 1 of f32, at step 7: ");
    REQUIRE_SAYS(outcome, "\n  fix:   dmesg | tail shows whether memory ran out; then start the same command again\n");
    REQUIRE(outcome.text.find("error:") == outcome.text.rfind("error:"));
}

TEST_CASE("a rank that is killed is reported by another one of its host, and all end") {
    for (int ranks : {2, 4}) require_disappearance("killed", ranks);
}

TEST_CASE("a rank that exits unexpectedly is reported by another one of its host, and all end") {
    for (int ranks : {2, 4}) require_disappearance("exits", ranks);
}

TEST_CASE("rank 0 that is killed is reported by rank 1") {
    const Outcome outcome = require_failure("first_killed", 4);
    REQUIRE_SAYS(outcome, "[rank 1] error: rank 0 on '");
    REQUIRE_SAYS(outcome, "' has disappeared");
    REQUIRE(outcome.text.find("error:") == outcome.text.rfind("error:"));
}

TEST_CASE("the fix for a lost rank is the program's own resume command") {
    for (const char* scenario : {"killed_with_resume", "stopped_with_resume"})
        REQUIRE_SAYS(require_failure(scenario), "then resume: mpirun -n 2 gradus pretrain run/recipe.toml\n");
}

TEST_CASE("ranks that are stopped by their launcher one after the other report no lost rank") {
    const Outcome outcome = run_ranks(3, "ended_from_outside");
    INFO(outcome.text << outcome.launcher);
    REQUIRE(outcome.status != 0);
    REQUIRE_FALSE(outcome.says("disappeared"));
}

TEST_CASE("a rank that throws an error ends the others with its text and its status") {
    const Outcome outcome = require_failure("throws", 4);
    REQUIRE_SAYS(outcome,
                 "[rank 1] error: the disk is full\n  cause: no space for the checkpoint\n  fix:   free some space\n");
    REQUIRE(outcome.status == 3);
}

TEST_CASE("an exception that leaves the scope of MpiWorld ends the others and is still printed") {
    const Outcome outcome = require_failure("escapes");
    REQUIRE_SAYS(outcome, "this text is printed after the world is gone");
    REQUIRE(outcome.status == 5);
}

TEST_CASE("a rank that is alive but stalled is named when patience is over") {
    const Outcome outcome = require_failure("late");
    REQUIRE_SAYS(outcome, "is stalled");
    REQUIRE_SAYS(outcome, "rank 1 has been alive for all 2");
    REQUIRE_SAYS(outcome, " s, after all-reduce #7 of all");
}

TEST_CASE("a rank that is late is waited for while it reports progress with files") {
    require_success("late_with_progress", {2, 3});
}

TEST_CASE("ranks in different calls get an error with both calls") {
    const Outcome outcome = require_failure("other_call", 2);
    REQUIRE_SAYS(outcome, "error: rank 0 and rank 1 are not in the same call");
    REQUIRE_SAYS(outcome, "is in broadcast #8 of all, 1 of f32 from rank 0, at step 7");
    REQUIRE_SAYS(outcome, "is in all-reduce #8 of all, 100000 of f32, at step 7");
}

TEST_CASE("ranks with different sizes or dtypes get an error with both") {
    REQUIRE_SAYS(require_failure("other_size", 4), "99999 of f32");
    REQUIRE_SAYS(require_failure("other_dtype", 2), "100000 of i32");
    REQUIRE_SAYS(require_failure("other_message", 2), "send #1 of all, 900 of f32");
}

TEST_CASE("ranks in calls of different groups get an error with both") {
    const Outcome outcome = require_failure("other_axis", 2);
    REQUIRE_SAYS(outcome, "all-reduce #1 of all");
    REQUIRE_SAYS(outcome, "all-reduce #1 of tp");
}

TEST_CASE("a rank that ends while another waits for it is named") {
    const Outcome outcome = require_failure("early_end", 2);
    REQUIRE_SAYS(outcome, "is in the end of the program");
}

TEST_CASE("parts that do not make up the whole are an internal error with both sizes") {
    REQUIRE_SAYS(require_failure("wrong_part", 2), "2 parts of 3 elements do not make up 10");
}

TEST_CASE("a mesh that does not match the number of ranks is refused with one that does") {
    const Outcome outcome = require_failure("wrong_mesh", 4);
    REQUIRE_SAYS(outcome, "the mesh needs 6 ranks, and 4 were started");
    REQUIRE_SAYS(outcome, "--set mesh.dp=2");
}
