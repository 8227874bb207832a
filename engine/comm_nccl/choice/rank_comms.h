#pragma once
// Which Comm the ranks of a run use: what a command asks for (mesh.comm), and what is possible for these ranks.
//
//   one rank                        nothing
//   tensors in memory of the host   MPI
//   tensors on devices              NCCL, where the build has it, the device is a GPU and each rank has one of its own;
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
    std::string gpu;       // of this rank: what no other GPU of the host is called (its PCI address)
    std::string settings;  // what must be the same on all ranks, in lines
};

// Error where NCCL is asked for and cannot be had: on another device, in a build without it, by ranks that share a GPU
// (`sharing`: the first two of them, "ranks 0 and 1 on 'host'", or nothing).
CommKind choose_comm(const std::string& asked, const std::string& device, int ranks, bool built,
                     const std::string& sharing);

// The first two ranks on one GPU, from what each says of itself; nothing where each has its own.
std::string ranks_that_share(const std::vector<std::string>& hosts, const std::vector<std::string>& gpus);

class RankComms {
public:
    // Every rank calls with the same request, but for `gpu`. Comms and meshes last as long as this.
    RankComms(MpiWorld&, const Ops&, const CommRequest&);

    CommKind kind() const { return kind_; }
    // "NCCL 2.28.9", "MPI", "MPI, staged through the host, since ranks 0 and 1 on 'a' share a GPU"; empty with one rank.
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
