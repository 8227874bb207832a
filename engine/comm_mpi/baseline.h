#pragma once
// MPI's own all-reduce, to measure ours by. It promises no order of the sum.
#include "engine/comm_mpi/mpi_world.h"

namespace gradus::mpi {

void library_all_reduce_sum(Tensor f32);  // over every rank

}  // namespace gradus::mpi
