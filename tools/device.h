#pragma once
// The device of a command: the table of ops that its --device or train.device names.
#include <string>

#include "engine/comm_nccl/choice/rank_comms.h"
#include "engine/plan/plan.h"
#include "engine/settings/train.h"
#include "kernels/ops.h"
#include "tools/cli.h"

namespace gradus {

// --device cpu|cuda|simt
void add_device_option(CLI::App&, std::string& device);

// The kernels of a GPU backend, where there is a choice (kernels/choices.h), with the defaults of the settings.
struct KernelOptions {
    std::string matmul = TrainSettings{}.matmul, attention = TrainSettings{}.attention;
    bool tf32 = TrainSettings{}.tf32;
};
// --matmul, --attention and --tf32
void add_kernel_options(CLI::App&, KernelOptions&);

// For all ops of this process on that device; without effect on a CPU. Error if this build has no such kernels.
void use_kernels(const std::string& device, const KernelOptions&);

// --dtype, --device and --threads, with the defaults of the settings.
struct ComputeOptions {
    std::string dtype = TrainSettings{}.dtype, device = TrainSettings{}.device;
    int threads = int(TrainSettings{}.threads);
    bool graphs = false;
};
void add_compute_options(CLI::App&, ComputeOptions&);
// --graphs, for commands that generate.
void add_graphs_option(CLI::App&, bool& graphs);

// "cpu"; "cuda": the GPU with this index; "simt": the GPU's kernels on the CPU, thread by thread. Error if this machine
// or this build has no such GPU.
const Ops& ops_of(const std::string& device, int gpu = 0);

// The same with the kernels of train.matmul, train.attention and train.tf32.
const Ops& ops_of(const TrainSettings&, int gpu);

// The same for a rank: train.gpu, or the GPU with the rank's local number; if a host has more ranks than GPUs, the
// numbers wrap around.
const Ops& ops_of(const Config&, const MpiWorld&);
// How the ranks communicate: mesh.comm.
CommRequest comm_request(const Config&, const MpiWorld&);

// Memory of this machine in GiB.
double gib_of_this_machine();

// Error if a run needs more than `free` bytes of its device: how much, for what, and what would make it fit.
void require_memory(const PlanRequest&, double free);

}  // namespace gradus
