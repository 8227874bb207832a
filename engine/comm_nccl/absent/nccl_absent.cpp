// Linked in builds without NCCL: one rank works as usual, more than one is an Error.
#include "engine/comm_nccl/nccl_world.h"

namespace gradus {

namespace nccl {
struct World {};
}  // namespace nccl

NcclWorld::NcclWorld(MpiWorld& world, const Ops&, const std::string&, const NcclLimits&) {
    if (world.size() > 1)
        throw Error("this build has no NCCL, and " + std::to_string(world.size()) + " ranks were started",
                    "it was configured with WITH_NCCL=OFF",
                    "--set mesh.comm=mpi, or cmake --preset release -DWITH_CUDA=ON -DWITH_NCCL=ON and build again");
}

NcclWorld::~NcclWorld() = default;
Comm NcclWorld::all() const { return {}; }
Mesh NcclWorld::mesh(const MeshSizes& asked) { return make_mesh(asked, {}, {}); }

Comm NcclWorld::group(const char*, const std::vector<int>& ranks) {
    CHECK(ranks == std::vector<int>{0}, "there is one rank");
    return {};
}

std::string nccl_version() { return {}; }

}  // namespace gradus
