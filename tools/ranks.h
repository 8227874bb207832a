#pragma once
// What a command that runs on several ranks needs around its work: one of them speaks, what must be equal is compared, what
// is decided is decided together.
#include <string>
#include <vector>

#include "engine/comm_mpi/mpi_world.h"

namespace gradus {

// What the first rank has.
std::string from_first(const Comm& all, const std::string& mine);

struct MustAgree {
    std::string what;  // "recipe"
    std::string text;  // of this rank; in lines, of which the first that differs is shown
    std::string fix;
};
// Error, on every rank, that names the first rank that has something else than rank 0, its host, and both lines.
void require_agreement(const MpiWorld&, const std::vector<MustAgree>&);

// The checksum of this program's file and its version.
std::string program_identity();

// OpenMP's threads for `asked` of them, 0: this rank's share of its host's cores.
void use_threads_of_rank(const MpiWorld&, int asked);

// Runs the work on every rank. One that throws says it, with its number, and ends them all; with one rank the exception
// passes on.
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
