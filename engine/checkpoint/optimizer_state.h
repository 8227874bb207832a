#pragma once
// gradus/optimizer.safetensors: the moments of each weight and, in bf16, its f32 master. A matrix that Muon updates has
// no second moment.
//
// Logical tensors: m.<weight>, v.<weight>, master.<weight>, under the engine's names and in the shapes that the weights
// have on one rank, independent of the mesh and the layout of the arenas. A reader on another mesh takes the rows and
// columns it needs.
#include "engine/checkpoint/checksum.h"
#include "engine/checkpoint/snapshot.h"

namespace gradus {

inline constexpr const char* optimizer_name = "gradus/optimizer.safetensors";

StoredFile save_optimizer(const fs::path& folder, const Snapshot&);
// Error names the tensor that is missing or has another shape.
void check_optimizer(const fs::path& folder, const Parameters&, const Optimizer&);
// The same, then fills the optimizer.
void load_optimizer(const fs::path& folder, const Parameters&, Optimizer&);

}  // namespace gradus
