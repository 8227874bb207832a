#pragma once
// gradus/optimizer.safetensors: the moments of each weight and, where it has one of its own, its f32 master. What Muon
// updates has no second moment.
//
// Logical tensors: m.<weight>, v.<weight>, master.<weight>, under the engine's names and in the weights' shapes, whatever
// the layout of the arenas was. A reader with other arenas, or on another number of ranks, takes the rows it needs.
#include "engine/checkpoint/checksum.h"
#include "engine/optimizer.h"

namespace gradus {

inline constexpr const char* optimizer_name = "gradus/optimizer.safetensors";

StoredFile save_optimizer(const fs::path& folder, Model&, Optimizer&);
// Error names the tensor that is missing or has another shape.
void check_optimizer(const fs::path& folder, Model&, Optimizer&);
// The same, then fills the optimizer.
void load_optimizer(const fs::path& folder, Model&, Optimizer&);

}  // namespace gradus
