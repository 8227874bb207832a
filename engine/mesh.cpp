#include "engine/mesh.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace gradus {

namespace {

Error wrong_product(const MeshSizes& asked, int64_t product, int ranks) {
    const std::string started = std::to_string(ranks) + (ranks == 1 ? " was started" : " were started");
    std::string cause;
    for (const MeshAxis& axis : mesh_axes) {
        if (asked.*axis.size != 1)
            cause += (cause.empty() ? "mesh." : ", mesh.") + std::string(axis.name) + " = " +
                     (asked.*axis.size == 0 ? "0 (what is left)" : std::to_string(asked.*axis.size));
    }
    // Sizes that work with these ranks: another dp if the other axes divide them, else only dp.
    int64_t rest = 1;
    for (const MeshAxis& axis : mesh_axes)
        if (axis.size != &MeshSizes::dp && asked.*axis.size > 0) rest = std::min(rest * (asked.*axis.size), most_ranks);
    std::string settings;
    if (ranks % rest == 0) {
        settings = "--set mesh.dp=" + std::to_string(ranks / rest);
    } else {
        settings = "--set mesh.dp=" + std::to_string(ranks);
        for (const MeshAxis& axis : mesh_axes)
            if (axis.size != &MeshSizes::dp && asked.*axis.size != 1)
                settings += " --set mesh." + std::string(axis.name) + "=1";
    }
    return Error(
        "the mesh needs " + std::string(product > 0 ? "" : "a multiple of ") +
            std::to_string(product > 0 ? product : rest) + " ranks, and " + started,
        cause.empty() ? "every axis of the mesh has one rank" : cause,
        "mpirun -n " + std::to_string(product > 0 ? product : rest) + " gradus … with these settings, or " + settings);
}

}  // namespace

MeshSizes resolve(MeshSizes asked, int ranks) {
    CHECK(ranks >= 1);
    const MeshAxis* open = nullptr;
    int64_t product = 1;
    for (const MeshAxis& axis : mesh_axes) {
        const int n = asked.*axis.size;
        const std::string key = std::string("mesh.") + axis.name;
        if (n < 0 || n > most_ranks)
            throw Error(key + " = " + std::to_string(n) + " is not a number of ranks",
                        "an axis has 1 to " + std::to_string(most_ranks) + " ranks, or 0 for as many as are left",
                        "--set " + key + "=1");
        if (n == 0 && open)
            throw Error("mesh." + std::string(open->name) + " and " + key + " are both 0",
                        "0 means as many ranks as the other axes leave, so only one axis can be 0",
                        "--set " + key + "=1");
        if (n == 0) open = &axis;
        product = std::min(product * std::max(n, 1), most_ranks);
    }
    if (open ? ranks % product != 0 : product != ranks) throw wrong_product(asked, open ? 0 : product, ranks);
    if (open) asked.*open->size = int(ranks / product);
    return asked;
}

std::string text_of(const MeshSizes& sizes) {
    std::string text;
    for (const MeshAxis& axis : mesh_axes)
        if (sizes.*axis.size > 1)
            text += (text.empty() ? "" : " x ") + std::string(axis.name) + "=" + std::to_string(sizes.*axis.size);
    return text.empty() ? "1 rank" : text;
}

MeshSizes place_of(const MeshSizes& sizes, int rank) {
    MeshSizes place;
    for (size_t i = std::size(mesh_axes); i-- > 0;) {
        const MeshAxis& axis = mesh_axes[i];
        place.*axis.size = rank % sizes.*axis.size;
        rank /= sizes.*axis.size;
    }
    return place;
}

std::vector<int> ranks_along(const MeshSizes& sizes, const MeshAxis& along, int rank) {
    int stride = 1;  // between neighbours on this axis
    for (size_t i = std::size(mesh_axes); i-- > 0 && mesh_axes[i].size != along.size;)
        stride *= sizes.*mesh_axes[i].size;
    const int first = rank - place_of(sizes, rank).*along.size * stride;
    std::vector<int> ranks;
    for (int i = 0; i < sizes.*along.size; ++i) ranks.push_back(first + i * stride);
    return ranks;
}

Mesh make_mesh(const MeshSizes& asked, const Comm& world, const MakeGroup& make_group) {
    Mesh mesh;
    mesh.size = resolve(asked, world.size);
    mesh.place = place_of(mesh.size, world.rank);
    mesh.world = world;
    for (const MeshAxis& axis : mesh_axes)
        if (mesh.size.*axis.size > 1) mesh.*axis.comm = make_group(axis.name, ranks_along(mesh.size, axis, world.rank));
    return mesh;
}

int launched_ranks() {
    // Open MPI; MPICH and Intel MPI; MVAPICH; a job step of Slurm. SLURM_NTASKS is also set for a batch script, which
    // runs as a single process.
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
        const char* value = std::getenv(name);
        if (!value) continue;
        const std::string_view text = value;
        int ranks = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), ranks);
        if (failed != std::errc() || end != text.data() + text.size() || ranks < 1 || ranks > most_ranks)
            throw Error(std::string(name) + "='" + value + "' is not a number of ranks",
                        "the launcher sets it, or your shell",
                        "unset " + std::string(name) + ", or start with mpirun -n 2 gradus …");
        return ranks;
    }
    return 1;
}

}  // namespace gradus
