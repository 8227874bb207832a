#include "engine/comm_nccl/choice/rank_comms.h"

#include <fmt/format.h>

namespace gradus {

CommKind choose_comm(const std::string& asked, const std::string& device, int ranks, bool built,
                     const std::string& sharing) {
    const bool wanted = asked == "nccl";
    if (wanted && device != "cuda")
        throw Error("mesh.comm = 'nccl' is for GPUs, and train.device is '" + device + "'",
                    "tensors in host memory, also the emulator's, are exchanged with MPI",
                    "--set mesh.comm=auto, or --set train.device=cuda");
    if (ranks == 1) return CommKind::one_rank;
    if (device == "cpu") return CommKind::host;
    if (device != "cuda" || asked == "mpi") return CommKind::staged;
    if (wanted && !built)
        throw Error("mesh.comm = 'nccl', and this build has no NCCL",
                    "it was configured with WITH_NCCL=OFF, or NCCL was not found",
                    "--set mesh.comm=mpi, or cmake --preset cuda -DWITH_NCCL=ON and build again");
    if (wanted && !sharing.empty())
        throw Error("mesh.comm = 'nccl', and " + sharing + " share a GPU", "NCCL needs a GPU for each rank",
                    "as many ranks on a host as it has GPUs, or --set mesh.comm=mpi");
    return built && sharing.empty() ? CommKind::nccl : CommKind::staged;
}

std::string ranks_that_share(const std::vector<std::string>& hosts, const std::vector<std::string>& gpus) {
    CHECK(hosts.size() == gpus.size());
    for (size_t b = 0; b < hosts.size(); ++b)
        for (size_t a = 0; a < b; ++a)
            if (hosts[a] == hosts[b] && gpus[a] == gpus[b])
                return fmt::format("ranks {} and {} on '{}'", a, b, hosts[a]);
    return {};
}

RankComms::RankComms(MpiWorld& world, const Ops& ops, const CommRequest& r) : world_(world) {
    std::string sharing;
    if (world.size() > 1) {
        std::vector<std::string> hosts;
        for (int rank = 0; rank < world.size(); ++rank) hosts.push_back(world.host(rank));
        sharing = ranks_that_share(hosts, world.all().gather(r.gpu));
    }
    // If a rank has no NCCL, none uses it.
    bool built = !nccl_version().empty();
    for (const std::string& theirs : world.all().gather(built ? "built" : "")) built = built && !theirs.empty();
    kind_ = choose_comm(r.asked, r.device, world.size(), built, sharing);
    if (kind_ == CommKind::staged) {
        staging_ = std::make_unique<Staging>(ops);
        reason_ = r.device != "cuda" ? "since the emulator uses host memory"
                  : r.asked == "mpi" ? "as mesh.comm asks"
                  : !sharing.empty() ? "since " + sharing + " share a GPU"
                                     : "since this build has no NCCL";
    }
    if (kind_ == CommKind::nccl) devices_ = std::make_unique<NcclWorld>(world, ops, r.settings);
}

std::string RankComms::text() const {
    switch (kind_) {
        case CommKind::one_rank: return {};
        case CommKind::host: return "MPI";
        case CommKind::staged: return "MPI, staged through the host, " + reason_;
        case CommKind::nccl: return "NCCL " + nccl_version();
    }
    return {};
}

Mesh RankComms::mesh(const MeshSizes& asked) {
    if (devices_) return devices_->mesh(asked);
    return staging_ ? staging_->mesh(world_.mesh(asked)) : world_.mesh(asked);
}

}  // namespace gradus
