#include "tests/parallel/ranks/training.h"

namespace gradus {

Mesh mesh_among(MpiWorld& world, const MeshSizes& sizes) {
    int ranks = 1;
    for (const MeshAxis& axis : mesh_axes) ranks *= sizes.*axis.size;
    if (ranks == 1) return {};
    const int first = world.rank() / ranks * ranks;
    std::vector<int> members;
    for (int r = 0; r < ranks; ++r) members.push_back(first + r);
    const Comm all = ranks == world.size() ? world.all() : world.group("part", members);
    return make_mesh(sizes, all, [&](const char* axis, std::vector<int> group) {
        for (int& r : group) r += first;
        return world.group(axis, group);
    });
}

}  // namespace gradus
