#pragma once
// Settings of the MPI library that depend on the machine, and that it does not detect without warnings.
namespace gradus::mpi {

// Before MPI_Init: sets these variables of this process's environment where they have no value.
//
//   OMPI_MCA_btl_vader_single_copy_mechanism=none   if ranks may not read each other's memory (many containers): Open MPI
//                                                   would try with every large message, fail, and warn
//   HWLOC_HIDE_ERRORS=2                             hwloc warns where /sys is missing; nothing here depends on it
void set_mpi_environment();

// Whether process_vm_readv works between ranks, that is between processes of which neither is an ancestor of the other.
bool processes_read_each_other();

}  // namespace gradus::mpi
