#pragma once
// Converts a model from one program's files to another's.
//
//   hf        a folder of Hugging Face transformers (engine/checkpoint/weights.h), including checkpoints of runs
//   nanogpt   a ckpt.pt of nanoGPT (engine/convert/nanogpt.h)
//   llmc      a .bin of llm.c (engine/convert/llmc_file.h)
//
// The whole model is read into memory. In the stored dtype every weight keeps its bits; conversion from bf16 or f16 to
// f32 is exact, and to bf16 it rounds to nearest, ties to even.
#include <optional>

#include "engine/checkpoint/weights.h"

namespace gradus {

enum class ModelFormat { hf, nanogpt, llmc };

const char* name_of(ModelFormat);  // "nanoGPT", for people

// Detects the format by content: a folder with config.json, a folder with a ckpt.pt, a zip archive, a file that begins
// with llm.c's magic. Error names what was found instead.
struct FoundModel {
    ModelFormat format;
    fs::path path;  // of the folder or the file
};
FoundModel find_model(const fs::path&);

struct ConvertOptions {
    ModelFormat to = ModelFormat::hf;
    std::optional<DType> dtype = {};  // f32 or bf16; empty: as stored, except f16 and f64, which become f32
    uint64_t shard_limit = default_shard_limit;
};

struct Converted {
    ModelConfig config;
    DType dtype;
    std::vector<std::string> notes;  // for the user, a line each
};

// Writes the destination atomically: it must not exist (or be an empty folder), and appears complete or not at all.
// From a folder to a folder, the tokenizer, generation_config.json and config.json (with the new dtype) are copied.
// Error if the source is damaged, the destination exists, its disk is full, or the other program does not support the
// model.
Converted convert_model(const Ops&, const FoundModel& source, const fs::path& destination, const ConvertOptions&);

}  // namespace gradus
