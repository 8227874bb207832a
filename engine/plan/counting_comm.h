#pragma once
// Groups of ranks without communication: rank 0 of each, whose collectives are counted by the Counting of this thread
// (engine/plan/counting_ops.h). The other ranks' data is assumed to equal this rank's. gather() of texts and numbers is
// a few bytes and not counted.
#include "engine/mesh.h"

namespace gradus {

// A Comm of this size for an axis of the mesh; `axis` must outlive it (a literal).
Comm counting_comm(const char* axis, int size);
// The mesh of rank 0. Error where the sizes do not multiply to `ranks`.
Mesh counting_mesh(const MeshSizes& asked, int ranks);

}  // namespace gradus
