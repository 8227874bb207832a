#include "tests/comm_mpi/launched/launch.h"

#include <sys/wait.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdio>

#include "engine/base/error.h"

namespace gradus {

Outcome run_ranks(int ranks, const std::string& scenario) {
    const std::string command = "MPIRUN='" MPIRUN "' '" GRADUS_ROOT "/tests/comm_mpi/launch.sh' " +
                                std::to_string(ranks) + " '" COMM_RANKS "' " + scenario + " 2>&1";
    const auto start = std::chrono::steady_clock::now();
    std::FILE* output = ::popen(command.c_str(), "r");
    CHECK(output, "the shell does not start");
    Outcome outcome;
    char piece[4096];
    for (size_t n; (n = std::fread(piece, 1, sizeof piece, output)) > 0;) outcome.text.append(piece, n);
    const int status = ::pclose(output);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
}

void require_success(const std::string& scenario, std::initializer_list<int> sizes) {
    for (int ranks : sizes) {
        const Outcome outcome = run_ranks(ranks, scenario);
        INFO(ranks << " ranks: " << outcome.text);
        REQUIRE(outcome.status == 0);
        REQUIRE(outcome.text.empty());
    }
}

}  // namespace gradus
