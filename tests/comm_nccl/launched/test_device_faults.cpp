// Ranks and devices that stop, die, fail, or are not in the same call: the others end soon, with an error that names
// the rank.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

static Outcome require_failure(const std::string& scenario, int status, int ranks = 2) {
    Outcome outcome = run_ranks(ranks, scenario);
    INFO(outcome.text);
    REQUIRE(outcome.status == status);
    return outcome;
}

#define REQUIRE_SAYS(outcome, part)    \
    do {                               \
        INFO((outcome).text);          \
        REQUIRE((outcome).says(part)); \
    } while (0)

constexpr int lost = 75, mistake = 1, refused = 3;

TEST_CASE("a rank that stops is named, with the call that another one's device waits in") {
    for (int ranks : {2, 3}) {
        const Outcome outcome = require_failure("stopped", lost, ranks);
        REQUIRE_SAYS(outcome, "error: rank 1 on '");
        REQUIRE_SAYS(outcome, "' is lost");
        REQUIRE_SAYS(outcome, "waits in all-reduce #8 of dp, 1000 of f32, at step 7");
        REQUIRE_SAYS(outcome, "fix:   ");
    }
}

TEST_CASE("a rank that is killed ends those whose devices wait for it") {
    const Outcome outcome = run_ranks(2, "killed");
    REQUIRE(outcome.status != 0);
    REQUIRE(outcome.status != 124);  // timed out
    REQUIRE_SAYS(outcome, "rank 1");
}

TEST_CASE("a rank that throws ends those whose devices wait for it, with its text and its status") {
    REQUIRE_SAYS(require_failure("throws", refused, 3),
                 "[rank 1] error: the disk is full\n  cause: no space for the checkpoint\n  fix:   free some\n");
}

TEST_CASE("a rank that is alive but stalled before a call of the devices is named when patience is over") {
    const Outcome outcome = require_failure("late", lost);
    REQUIRE_SAYS(outcome, "rank 1 on '");
    REQUIRE_SAYS(outcome, "' is stalled");
    REQUIRE_SAYS(outcome, "it has begun 7 calls of dp, and its device has finished 7");
}

TEST_CASE("a rank that ends while another one's device waits for it is named") {
    REQUIRE_SAYS(require_failure("ends", mistake), "error: rank 1 has ended while rank 0 waits for it");
}

TEST_CASE("devices in different calls get an error with both calls") {
    const Outcome outcome = require_failure("other_call", mistake);
    REQUIRE_SAYS(outcome, "error: rank 0 and rank 1 are not in the same call");
    REQUIRE_SAYS(outcome, "waits in broadcast #8 of dp, 1000 of f32 from rank 0, at step 7");
    REQUIRE_SAYS(outcome, "waits in all-reduce #8 of dp, 1000 of f32, at step 7");
    REQUIRE_SAYS(require_failure("other_size", mistake), "all-reduce #8 of dp, 999 of f32");
}

TEST_CASE("calls of different sizes that do not hang are detected at the next gather() of the hosts") {
    const Outcome outcome = require_failure("other_size_unnoticed", mistake);
    REQUIRE_SAYS(outcome, "rank 0 and rank 1 have not made the same calls");
    REQUIRE_SAYS(outcome, "all-reduce #2 of all, 999 of f32, at step 3");
}

TEST_CASE("an asynchronous NCCL error ends the ranks with its message") {
    REQUIRE_SAYS(require_failure("misfit_reported", mistake), "the calls of the ranks do not fit");
    const Outcome outcome = require_failure("breaks", lost);
    REQUIRE_SAYS(outcome, "error: NCCL failed on rank 1 on '");
    REQUIRE_SAYS(outcome,
                 "all-reduce #8 of dp, 1000 of f32, at step 7: remote process exited or there was a network error: "
                 "the fake has lost a peer");
}

TEST_CASE("a call that NCCL refuses ends the ranks with its message") {
    REQUIRE_SAYS(require_failure("refuses", lost), "ncclAllReduce in all-reduce #8 of dp, 1000 of f32, at step 7");
}

TEST_CASE("ranks that wait for each other in a ring over two axes end when patience is over") {
    const Outcome outcome = require_failure("other_axis", lost, 4);
    REQUIRE_SAYS(outcome, " is stalled");
    REQUIRE_SAYS(outcome, " and is in all-reduce #2 of ");
}

TEST_CASE("a call that all devices have reached and none finishes ends after the stall limit") {
    const Outcome outcome = require_failure("stalls", lost);
    REQUIRE_SAYS(outcome, "do not reach each other");
    REQUIRE_SAYS(outcome, "waits in all-reduce #8 of dp, 1000 of f32, at step 7");
}

TEST_CASE("communicators that are not made in time end the ranks") {
    REQUIRE_SAYS(require_failure("deaf", lost), "waits in connect #1 of all");
    const Outcome outcome = require_failure("never_connects", lost);
    REQUIRE_SAYS(outcome, "rank 1 on '");
    REQUIRE_SAYS(outcome, "' is stalled");
    REQUIRE_SAYS(outcome, "waits in connect #1 of all");
}

TEST_CASE("ranks with another NCCL version or other settings are named before anything hangs") {
    REQUIRE_SAYS(require_failure("other_version", refused), "rank 0: 2.28.9; rank 1: 2.21.5");
    REQUIRE_SAYS(require_failure("old_version", refused), "has NCCL 2.17.5, and gradus needs 2.18.0 or newer");
    REQUIRE_SAYS(require_failure("other_settings", refused), "rank 0: lr = 0.2; rank 1: lr = 0.1");
}

TEST_CASE("a mesh of two axes needs an NCCL version that keeps the order of their calls, one axis does not") {
    const Outcome outcome = require_failure("axes_without_order", refused, 4);
    REQUIRE_SAYS(outcome, "error: NCCL 2.25.5 is too old for a mesh of dp=2 x tp=2");
    REQUIRE_SAYS(outcome, "install libnccl2 2.26.0 or newer");
    REQUIRE_SAYS(outcome, "--set mesh.dp=4 --set mesh.tp=1");
    require_success("axes_in_order", {4});
    require_success("one_axis", {2});
}
