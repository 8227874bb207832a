#pragma once
// gradus/manifest.json: what a checkpoint is, and the size and checksum of each of its files.
//
//   {"format": 1, "step": 100, "tokens": …, "seed": …, "dtype": "bf16", "recipe": "…", "compatible": "…",
//    "stability": {"losses": […], "norms": […], "skipped": …, "skipped_in_a_row": …, "data_offset": …, "rate": …,
//                  "diverged_at": …, "rolled_back_to": …},
//    "rollback_targets": [steps],
//    "files": {"config.json": {"bytes": …, "xxh3_64": "16 hexadecimal digits"},
//              "model.safetensors": {"bytes": …, "xxh3_64": …, "block": 67108864, "blocks": [of each block, …]}, …},
//    "xxh3_64": the checksum of all the above, written as compact JSON with sorted keys}
//
// It is written last: a folder that has one was complete once.
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint/checksum.h"
#include "engine/stability.h"
#include "kernels/tensor.h"

namespace gradus {

// What training needs besides tensors. Everything else follows from it (engine/trainer.h).
struct TrainingState {
    int64_t step = 0;    // steps done
    int64_t tokens = 0;  // targets seen
    uint64_t seed = 0;
    std::string recipe;      // the text of it, for people
    std::string compatible;  // what must be the same on resume, one "name = value" a line
    StabilityState stability = {};
    // Steps of the checkpoints that a rollback may lead to, in ascending order, this one's among them if it is one. They stay
    // beside this one, older ones are removed. Nothing in the manifests of older versions.
    std::optional<std::vector<int64_t>> rollback_targets = {};
};

struct Manifest {
    TrainingState state;
    std::string dtype;  // of the model's weights: "f32", "bf16"
    std::vector<StoredFile> files;
};

inline constexpr const char* manifest_name = "gradus/manifest.json";

void write_manifest(const fs::path& folder, const Manifest&);
// Error when it is absent, damaged or of another format.
Manifest read_manifest(const fs::path& folder);

// Why the folder is not a complete checkpoint, by its manifest and the sizes of its files (by their checksums:
// engine/checkpoint/verify.h); empty: it is one.
std::string what_is_missing(const fs::path& folder);

}  // namespace gradus
