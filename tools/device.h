#pragma once
// What a command computes on: the table of ops that its --device or train.device names.
#include <string>

#include "engine/comm_nccl/choice/rank_comms.h"
#include "engine/plan/plan.h"
#include "kernels/ops.h"
#include "tools/cli.h"

namespace gradus {

// --device cpu|cuda|simt
void add_device_option(CLI::App&, std::string& device);

// "cpu"; "cuda": the GPU of that number; "simt": the GPU's kernels on the CPU, thread by thread. Error where a GPU is asked
// for that this machine or this build does not have.
const Ops& ops_of(const std::string& device, int gpu = 0);

// The same for a rank: train.device, and train.gpu or the GPU of the rank's number on its host; where a host has more ranks
// than GPUs, they begin again at the first.
const Ops& ops_of(const Config&, const MpiWorld&);
// What its ranks meet by: mesh.comm.
CommRequest comm_request(const Config&, const MpiWorld&);

// GiB of memory that this machine has.
double gib_of_this_machine();

// Error where a run needs more than `free` bytes of its device: how much, what takes it, and what would make it fit.
void require_room(const PlanRequest&, double free);

}  // namespace gradus
