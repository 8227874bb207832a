// How the launched ranks divide the work.
#include <fmt/format.h>

#include "engine/resolve/resolving.h"

namespace gradus {

MeshSizes resolve_mesh(const Resolving& r) {
    const MeshSizes mesh = resolve(MeshSizes{.dp = int(r.c.mesh.dp), .tp = int(r.c.mesh.tp)}, r.ranks);
    if (r.c.optimizer.kind == "muon" && mesh.tp > 1)
        r.refuse("Muon needs whole matrices, and the ranks of mesh.tp have parts of them",
                 {"optimizer.kind", "mesh.tp"}, "--set mesh.tp=1, or --set optimizer.kind=adamw");
    if (r.c.train.graphs && mesh.tp > 1)
        r.refuse("the communication of mesh.tp is not recorded in graphs", {"train.graphs", "mesh.tp"},
                 "--set train.graphs=false, or --set mesh.tp=1");
    const int64_t batch = r.c.train.batch, dp = mesh.dp;
    if (batch % dp != 0)
        r.refuse(fmt::format("{} ranks cannot divide a batch of {} sequences", dp, batch), {"train.batch", "mesh.dp"},
                 fmt::format("--set train.batch={}", (batch + dp - 1) / dp * dp));
    return mesh;
}

}  // namespace gradus
