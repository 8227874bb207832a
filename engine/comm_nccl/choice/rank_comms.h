#pragma once
// Selects the Comm of a run's ranks from the setting mesh.comm and from what these ranks can use.
//
//   one rank                        nothing
//   tensors in host memory          MPI
//   tensors on devices              NCCL, if the build has it, the device is a GPU and each rank has its own;
//                                   otherwise MPI, staged through the host (engine/comm_staged.h)
#include <memory>
#include <string>

#include "engine/comm_nccl/nccl_world.h"
#include "engine/comm_staged.h"

namespace gradus {

enum class CommKind { one_rank, host, staged, nccl };

struct CommRequest {
    std::string asked;     // mesh.comm: auto, mpi or nccl
    std::string device;    // train.device: cpu, cuda or simt
    std::string gpu;       // of this rank: a unique name on the host (its PCI address)
    std::string settings;  // settings that must be the same on all ranks, one a line
};

// Error if NCCL is requested but unavailable: on another device, in a build without it, or for ranks that share a GPU
// (`sharing`: the first two of them, "ranks 0 and 1 on 'host'", or empty).
CommKind choose_comm(const std::string& asked, const std::string& device, int ranks, bool built,
                     const std::string& sharing);

// The first two ranks that share a GPU; empty if each has its own.
std::string ranks_that_share(const std::vector<std::string>& hosts, const std::vector<std::string>& gpus);

class RankComms {
public:
    // Every rank passes the same request except `gpu`. Comms and meshes are valid as long as this object.
    RankComms(MpiWorld&, const Ops&, const CommRequest&);

    CommKind kind() const { return kind_; }
    // "NCCL 2.28.9", "MPI", "MPI, staged through the host, since ranks 0 and 1 on 'a' share a GPU"; empty with one
    // rank.
    std::string text() const;
    Mesh mesh(const MeshSizes& asked);

private:
    MpiWorld& world_;
    CommKind kind_;
    std::string reason_;
    std::unique_ptr<Staging> staging_;
    std::unique_ptr<NcclWorld> devices_;
};

}  // namespace gradus
