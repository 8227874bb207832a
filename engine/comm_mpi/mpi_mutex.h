#pragma once
// MPI is initialised with MPI_THREAD_SERIALIZED: a thread holds this mutex around its calls.
#include <mutex>

namespace gradus::mpi {

std::mutex& mpi_mutex();

}  // namespace gradus::mpi
