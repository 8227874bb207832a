#include "tests/comm_mpi/launched/launch.h"

#include <sys/wait.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdio>

#include "engine/base/error.h"
#include "engine/base/file.h"

namespace gradus {

namespace {

// A folder with a file for each rank.
class Output {
public:
    Output() {
        std::string name = (fs::temp_directory_path() / ("gradus-ranks-" + std::string(6, 'X'))).string();
        CHECK(::mkdtemp(name.data()), "there is no room for what ranks print");
        folder = name;
    }
    ~Output() {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }
    std::string text(int ranks) const {
        std::string all;
        std::error_code ignored;
        for (int r = 0; r < ranks; ++r)
            if (const fs::path file = folder / std::to_string(r); fs::exists(file, ignored)) all += read_file(file);
        return all;
    }
    fs::path folder;
};

}  // namespace

Outcome run_ranks(int ranks, const std::string& scenario, const std::string& within) {
    const Output output;
    const std::string command = "RANKS_OUTPUT='" + output.folder.string() + "' MPIRUN='" MPIRUN "' " + within +
                                " '" GRADUS_ROOT "/tests/comm_mpi/launch.sh' " + std::to_string(ranks) +
                                " '" COMM_RANKS "' " + scenario + " 2>&1";
    const auto start = std::chrono::steady_clock::now();
    std::FILE* said = ::popen(command.c_str(), "r");
    CHECK(said, "the shell does not start");
    Outcome outcome;
    char piece[4096];
    for (size_t n; (n = std::fread(piece, 1, sizeof piece, said)) > 0;) outcome.launcher.append(piece, n);
    const int status = ::pclose(said);
    outcome.text = output.text(ranks);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
}

void require_success(const std::string& scenario, std::initializer_list<int> sizes) {
    for (int ranks : sizes) {
        const Outcome outcome = run_ranks(ranks, scenario);
        INFO(ranks << " ranks: " << outcome.text << outcome.launcher);
        REQUIRE(outcome.status == 0);
        REQUIRE(outcome.text.empty());
    }
}

}  // namespace gradus
