// Linked in builds without MPI: one rank works as usual, more than one is an Error.
#include <cstdio>
#include <cstdlib>

#include "engine/comm_mpi/mpi_world.h"

namespace gradus {

namespace mpi {
struct World {};
}  // namespace mpi

MpiWorld::MpiWorld(const MpiLimits&) {
    const int ranks = launched_ranks();
    if (ranks > 1)
        throw Error(
            "this build has no MPI, and " + std::to_string(ranks) + " ranks were started",
            "it was configured with WITH_MPI=OFF, or without an MPI library on the machine",
            "apt-get install libopenmpi-dev openmpi-bin, then cmake --preset release -DWITH_MPI=ON and build again");
}

MpiWorld::~MpiWorld() = default;
int MpiWorld::rank() const { return 0; }
int MpiWorld::size() const { return 1; }
int MpiWorld::local_rank() const { return 0; }
int MpiWorld::local_size() const { return 1; }

const std::string& MpiWorld::host(int) const {
    static const std::string here = "this machine";
    return here;
}

Comm MpiWorld::all() const { return {}; }

Mesh MpiWorld::mesh(const MeshSizes& asked) {
    int64_t ranks = 1;
    for (const MeshAxis& axis : mesh_axes) ranks *= asked.*axis.size > 1 ? 2 : 1;
    if (ranks > 1)
        throw Error("this build has no MPI, and the mesh has more than one rank", "the mesh is " + text_of(asked),
                    "cmake --preset release -DWITH_MPI=ON and build again, or --set mesh.dp=1 --set mesh.tp=1");
    return make_mesh(asked, {}, {});
}

Comm MpiWorld::group(const char*, const std::vector<int>& ranks) {
    CHECK(ranks == std::vector<int>{0}, "there is one rank");
    return {};
}

void MpiWorld::set_resume(const std::string&) {}

void MpiWorld::fail(const Error& e, int status) const {
    std::fputs((e.text() + "\n").c_str(), stderr);
    std::exit(status);
}

}  // namespace gradus
