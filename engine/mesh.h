#pragma once
// The mesh: how the ranks share the work. Every rank has a place on each axis, and for each axis a group of those ranks
// whose other places are its own.
//
//   axis   what its ranks share                     they hold
//   pp     layers                                   different layers
//   dp     samples                                  the same weights, other samples
//   ep     experts                                  different experts
//   cp     positions of a sequence                  the same weights, other positions
//   tp     heads, features, vocabulary              parts of every matrix
//
// The product of the sizes is the number of ranks. The last axis varies fastest, so that the ranks which talk most are
// neighbours on one machine. dp=2, tp=2:
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

struct MeshSizes {  // ranks along each axis; 0: as many as the others leave, for one axis at most
    int pp = 1, dp = 0, ep = 1, cp = 1, tp = 1;
};

struct Mesh {
    MeshSizes size, place;  // the sizes multiply to world.size; the place of this rank
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

// The sizes with the open one filled in. Error, with sizes that work, where they do not multiply to `ranks`.
MeshSizes resolve(MeshSizes asked, int ranks);
// "dp=2 x tp=4": the axes that have more than one rank, or "1 rank".
std::string text_of(const MeshSizes&);

MeshSizes place_of(const MeshSizes&, int rank);
// The ranks that differ from `rank` on this axis alone, and itself; ascending.
std::vector<int> ranks_along(const MeshSizes&, const MeshAxis&, int rank);

// A Comm for a list of world ranks; called on every rank for the same axes in the same order.
using MakeGroup = std::function<Comm(const char* axis, const std::vector<int>& ranks)>;
Mesh make_mesh(const MeshSizes& asked, const Comm& world, const MakeGroup&);

// How many ranks the launcher of this process started (mpirun, mpiexec, srun), from the environment; 1 without one.
int launched_ranks();

}  // namespace gradus
