#pragma once
// Groups of ranks that move nothing: rank 0 of each, whose collectives are counted by the Counting of this thread
// (engine/plan/counting_ops.h). What the other ranks would have sent is what this one has. Words and numbers of the host
// (gather()) are a few bytes and not counted.
#include "engine/mesh.h"

namespace gradus {

// A Comm of this size for an axis of the mesh; `axis` must outlive it (a literal).
Comm counting_comm(const char* axis, int size);
// The mesh of rank 0. Error where the sizes do not multiply to `ranks`.
Mesh counting_mesh(const MeshSizes& asked, int ranks);

}  // namespace gradus
