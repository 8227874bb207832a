#pragma once
// Helpers for commands that run on several ranks: only one rank prints, settings are compared, decisions are shared.
#include <string>
#include <vector>

#include "engine/comm_mpi/mpi_world.h"

namespace gradus {

// The first rank's text.
std::string from_first(const Comm& all, const std::string& mine);

struct MustAgree {
    std::string what;  // "recipe"
    std::string text;  // of this rank; the error shows the first line that differs
    std::string fix;
};
// Error on every rank if any differs from rank 0: names the first such rank, its host, and both lines.
void require_agreement(const MpiWorld&, const std::vector<MustAgree>&);

// This program's version and the checksum of its file.
std::string program_identity();

// Sets the number of OpenMP threads; 0: this rank's share of its host's cores.
void use_threads_of_rank(const MpiWorld&, int asked);

// Runs the work on every rank. A rank that throws prints the error with its number and ends all ranks; with one rank
// the exception propagates.
template <class Work>
void on_ranks(const MpiWorld& world, Work&& work);
[[noreturn]] void end_all_ranks(const MpiWorld&);  // inside a catch

template <class Work>
void on_ranks(const MpiWorld& world, Work&& work) {
    if (world.size() == 1) return work();
    try {
        work();
    } catch (...) { end_all_ranks(world); }
}

}  // namespace gradus
