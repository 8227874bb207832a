#pragma once
// llm.c's checkpoints of GPT-2, NAME.bin.
//
//   1024 bytes   256 int32: magic 20240326, version, positions, vocabulary, layers, heads, width, padded vocabulary, zeros
//   the rest     16 tensors, those of blocks for all layers one after another, row-major, little-endian:
//                wte [Vp,C]  wpe [T,C]  ln1w ln1b [L,C]  qkvw [L,3C,C]  qkvb [L,3C]  attprojw [L,C,C]  attprojb [L,C]
//                ln2w ln2b [L,C]  fcw [L,4C,C]  fcb [L,4C]  fcprojw [L,C,4C]  fcprojb [L,C]  lnfw lnfb [C]
//
//   GELU is computed with tanh.
//
//   version 1   f32, the vocabulary not padded (Vp = V; the header ends one number earlier)
//   version 3   f32, padded: rows V … Vp−1 of wte are not part of the model
//   version 5   bf16, padded
//
// Source: write_model() of train_gpt2.py and gpt2_build_from_checkpoint() of train_gpt2.cu in karpathy/llm.c.
#include "engine/convert/nanogpt.h"

namespace gradus {

// Whether a file begins as such a checkpoint does.
bool begins_as_llmc(std::string_view bytes);

// In that dtype, or in the file's own. Error names the file and what is wrong: the header's sizes must make sense and give
// the file's length to the byte.
ForeignModel read_llmc(const Ops&, const fs::path& file, std::optional<DType>);

// Version 3 or 5 by the model's dtype, the vocabulary padded with rows of zeros to a multiple of 128, which llm.c asks for.
// An exact GELU becomes llm.c's own, which differs by up to 5e-4. Error where llm.c cannot hold the model.
void write_llmc(const LanguageModel&, const fs::path& file);

}  // namespace gradus
