// Ranks in containers: without /sys, and if processes cannot read each other's memory.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

namespace {

Outcome in_container(const std::string& lacks, const std::string& scenario) {
    return run_ranks(2, scenario, "'" CONTAINER "' " + lacks);
}
constexpr int status_of_refusal = 77;

bool refused(const Outcome& outcome) {
    if (outcome.status != status_of_refusal) return false;
    WARN("skipped: this machine does not let a test change its surroundings");
    return true;
}

}  // namespace

TEST_CASE("ranks work without /sys, and without messages about it") {
    const Outcome outcome = in_container("no-sys", "sums");
    if (refused(outcome)) return;
    INFO(outcome.launcher);
    REQUIRE(outcome.status == 0);
    REQUIRE(outcome.text == "");
}

TEST_CASE("ranks that may not read each other's memory use another transport, without messages from them or MPI") {
    const Outcome outcome = in_container("no-reading", "sums");
    if (refused(outcome)) return;
    REQUIRE(outcome.status == 0);
    REQUIRE(outcome.text == "");
    REQUIRE(outcome.launcher == "");
}
