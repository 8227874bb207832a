#pragma once
// Runs a scenario of the program COMM_RANKS on several ranks of this machine, and keeps what they print.
#include <initializer_list>
#include <string>

namespace gradus {

struct Outcome {
    int status = -1;  // of mpirun
    double seconds = 0;
    std::string text;  // of all ranks, and of mpirun

    bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

Outcome run_ranks(int ranks, const std::string& scenario);
// It ends well and silently with each of these numbers of ranks.
void require_success(const std::string& scenario, std::initializer_list<int> sizes = {2, 4});

}  // namespace gradus
