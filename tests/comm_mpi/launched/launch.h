#pragma once
// Runs a scenario of the program COMM_RANKS on several ranks of this machine, and keeps what they print.
#include <string>

namespace gradus {

struct Outcome {
    int status = -1;  // of mpirun
    double seconds = 0;
    std::string text;  // of all ranks, and of mpirun

    bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

Outcome run_ranks(int ranks, const std::string& scenario);

}  // namespace gradus
