#pragma once
// Runs a scenario of the program COMM_RANKS on several ranks of this machine, and keeps what they print.
#include <initializer_list>
#include <string>

namespace gradus {

struct Outcome {
    int status = -1;  // of mpirun
    double seconds = 0;
    std::string text;      // of all ranks, one after the other
    std::string launcher;  // what mpirun and its libraries say, whatever they find in this machine

    bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

// `within`: a program that runs the launcher in other surroundings.
Outcome run_ranks(int ranks, const std::string& scenario, const std::string& within = "");
// It ends well and its ranks are silent, with each of these numbers of ranks.
void require_success(const std::string& scenario, std::initializer_list<int> sizes = {2, 4});

}  // namespace gradus
