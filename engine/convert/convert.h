#pragma once
// Converts a model from one program's files to another's.
//
//   hf        a folder of Hugging Face transformers (engine/checkpoint/weights.h), a checkpoint of a run among them
//   nanogpt   a ckpt.pt of nanoGPT (engine/convert/nanogpt.h)
//   llmc      a .bin of llm.c (engine/convert/llmc_file.h)
//
// The whole model is read into memory and written from there. In the dtype that it is stored in, every weight keeps its
// bits; to f32 from bf16 or f16 it is exact, to bf16 it is rounded to nearest, ties to even.
#include <optional>

#include "engine/checkpoint/weights.h"

namespace gradus {

enum class ModelFormat { hf, nanogpt, llmc };

const char* name_of(ModelFormat);  // "nanoGPT", for people

// What lies there, by its content: a folder with config.json, a folder with a ckpt.pt, a zip archive, a file that begins
// with llm.c's magic. Error names what was found instead.
struct FoundModel {
    ModelFormat format;
    fs::path path;  // of the folder or the file
};
FoundModel find_model(const fs::path&);

struct ConvertOptions {
    ModelFormat to = ModelFormat::hf;
    std::optional<DType> dtype = {};  // f32 or bf16; empty: as it is stored, f16 and f64 as f32
    uint64_t shard_limit = default_shard_limit;
};

struct Converted {
    ModelConfig config;
    DType dtype;
    std::vector<std::string> notes;  // what its user should know, a line each
};

// Writes the destination, which must not exist (a folder may be there and empty), under a temporary name first: it appears complete
// or not at all. To a folder, the source folder's tokenizer and its generation_config.json go along, and its config.json
// too, but for the dtype. Error where the source is damaged, the destination is in use, its disk is full, or its program
// cannot hold the model.
Converted convert_model(const Ops&, const FoundModel& source, const fs::path& destination, const ConvertOptions&);

}  // namespace gradus
