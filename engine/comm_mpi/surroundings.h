#pragma once
// What MPI should know of the machine it starts on, and does not find out in silence.
namespace gradus::mpi {

// Before MPI_Init: sets variables of this process's environment that have no value.
//
//   OMPI_MCA_btl_vader_single_copy_mechanism=none   where ranks may not read each other's memory (many containers): Open MPI
//                                                   would try with every large message, fail, and say so
//   HWLOC_HIDE_ERRORS=2                             hwloc tells that /sys is missing; nothing here depends on it
void suit_mpi_to_surroundings();

// Whether process_vm_readv works between two processes neither of which is above the other, as ranks are.
bool processes_read_each_other();

}  // namespace gradus::mpi
