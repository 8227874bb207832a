#pragma once
// MPI's own all-reduce, as a baseline for ours. The order of its sum is unspecified.
#include "engine/comm_mpi/mpi_world.h"

namespace gradus::mpi {

void library_all_reduce_sum(Tensor f32);  // over every rank

}  // namespace gradus::mpi
