#pragma once
// gradus/manifest.json: what a checkpoint is, and the size and checksum of each of its files.
//
//   {"format": 1, "step": 100, "tokens": …, "seed": …, "dtype": "bf16", "recipe": "…", "compatible": "…",
//    "stability": {"losses": […], "norms": […], "skipped": …, "skipped_in_a_row": …, "data_offset": …, "rate": …,
//                  "diverged_at": …, "rolled_back_to": …},
//    "rollback_targets": [steps], "best": {"step": …, "loss": …, "without": …, "kept": …},
//    "stage": {what the stage of training remembers},
//    "files": {"config.json": {"bytes": …, "xxh3_64": "16 hexadecimal digits"},
//              "model.safetensors": {"bytes": …, "xxh3_64": …, "block": 67108864, "blocks": [of each block, …]}, …},
//    "xxh3_64": the checksum of all the above, written as compact JSON with sorted keys}
//
// It is written last: a folder with a manifest was complete when it was written.
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint/best_validation.h"
#include "engine/checkpoint/checksum.h"
#include "engine/stability.h"
#include "kernels/tensor.h"

namespace gradus {

// The state of training besides tensors. Everything else is a function of it (engine/trainer.h).
struct TrainingState {
    int64_t step = 0;    // steps done
    int64_t tokens = 0;  // targets seen
    uint64_t seed = 0;
    std::string recipe;      // as text, for people
    std::string compatible;  // settings that must be the same on resume, one "name = value" a line
    StabilityState stability = {};
    // Steps of the checkpoints that a rollback may load, in ascending order, possibly including this one. They are
    // kept, older ones are removed. Absent in the manifests of older versions.
    std::optional<std::vector<int64_t>> rollback_targets = {};
    BestValidation best = {};
    std::string stage = {};  // what else the stage must remember: a JSON object; empty: nothing
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

// Why the folder is not a complete checkpoint, judged by its manifest and the sizes of its files (for checksums see
// engine/checkpoint/verify.h); empty: it is complete.
std::string what_is_missing(const fs::path& folder);

}  // namespace gradus
