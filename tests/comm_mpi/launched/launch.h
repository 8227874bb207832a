#pragma once
// Runs a scenario of the program COMM_RANKS on several ranks of this machine, and captures their output.
#include <initializer_list>
#include <string>

namespace gradus {

struct Outcome {
    int status = -1;  // of mpirun
    double seconds = 0;
    std::string text;      // of all ranks, one after the other
    std::string launcher;  // messages of mpirun and its libraries about this machine

    bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

// `within`: a program that runs the launcher in another environment.
Outcome run_ranks(int ranks, const std::string& scenario, const std::string& within = "");
// Requires success without output, for each of these numbers of ranks.
void require_success(const std::string& scenario, std::initializer_list<int> sizes = {2, 4});

}  // namespace gradus
