#pragma once
// The mesh: how the ranks divide the work. Every rank has coordinates on the axes, and for each axis a group of the
// ranks whose other coordinates are equal.
//
//   axis   what its ranks divide                    they have
//   pp     layers                                   different layers
//   dp     samples                                  the same weights, different samples
//   ep     experts                                  different experts
//   cp     positions of a sequence                  the same weights, different positions
//   tp     heads, features, vocabulary              different parts of every matrix
//
// The product of the sizes is the number of ranks. The last axis varies fastest, so that the ranks which communicate
// most are neighbours on one machine. dp=2, tp=2:
//
//   rank   0  1  2  3        tp groups: {0, 1} {2, 3}
//   dp     0  0  1  1        dp groups: {0, 2} {1, 3}
//   tp     0  1  0  1
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/comm.h"

namespace gradus {

inline constexpr int64_t most_ranks = 1 << 20;

struct MeshSizes {  // ranks along each axis; 0, for at most one axis: what the other axes leave
    int pp = 1, dp = 0, ep = 1, cp = 1, tp = 1;
};

struct Mesh {
    MeshSizes size, place;  // the sizes multiply to world.size; the coordinates of this rank
    Comm world, pp, dp, ep, cp, tp;
};

struct MeshAxis {
    const char* name;
    int MeshSizes::*size;
    Comm Mesh::*comm;
};
inline constexpr MeshAxis mesh_axes[] = {
    {"pp", &MeshSizes::pp, &Mesh::pp}, {"dp", &MeshSizes::dp, &Mesh::dp}, {"ep", &MeshSizes::ep, &Mesh::ep},
    {"cp", &MeshSizes::cp, &Mesh::cp}, {"tp", &MeshSizes::tp, &Mesh::tp},
};

// Fills in the size that is 0. Error, with sizes that work, if they do not multiply to `ranks`.
MeshSizes resolve(MeshSizes asked, int ranks);
// "dp=2 x tp=4": the axes that have more than one rank, or "1 rank".
std::string text_of(const MeshSizes&);

MeshSizes place_of(const MeshSizes&, int rank);
// The ranks with the same coordinates as `rank` on all other axes, including itself; ascending.
std::vector<int> ranks_along(const MeshSizes&, const MeshAxis&, int rank);

// Makes a Comm of a list of world ranks; called on every rank for the same axes in the same order.
using MakeGroup = std::function<Comm(const char* axis, const std::vector<int>& ranks)>;
Mesh make_mesh(const MeshSizes& asked, const Comm& world, const MakeGroup&);

// How many ranks the launcher of this process started (mpirun, mpiexec, srun), from the environment; 1 without one.
int launched_ranks();

}  // namespace gradus
