#pragma once
// MPI is used by one thread at a time: whoever holds this.
#include <mutex>

namespace gradus::mpi {

std::mutex& mpi_library();

}  // namespace gradus::mpi
