#pragma once
// llm.c's checkpoints of GPT-2, NAME.bin.
//
//   1024 bytes   256 int32: magic 20240326, version, positions, vocabulary, layers, heads, width, padded vocabulary,
//                zeros
//   the rest     16 tensors, each of the blocks' stacked over the layers, row-major, little-endian:
//                wte [Vp,C]  wpe [T,C]  ln1w ln1b [L,C]  qkvw [L,3C,C]  qkvb [L,3C]  attprojw [L,C,C]  attprojb [L,C]
//                ln2w ln2b [L,C]  fcw [L,4C,C]  fcb [L,4C]  fcprojw [L,C,4C]  fcprojb [L,C]  lnfw lnfb [C]
//
//   GELU is the tanh approximation.
//
//   version 1   f32, the vocabulary not padded (Vp = V; the header ends one number earlier)
//   version 3   f32, padded: rows V … Vp−1 of wte are not part of the model
//   version 5   bf16, padded
//
// Source: write_model() of train_gpt2.py and gpt2_build_from_checkpoint() of train_gpt2.cu in karpathy/llm.c.
#include "engine/convert/nanogpt.h"

namespace gradus {

// Whether a file begins with the magic number.
bool begins_as_llmc(std::string_view bytes);

// Reads it in that dtype, or the file's own. Error names the file and what is wrong: the header's sizes must be valid
// and match the file's length exactly.
ForeignModel read_llmc(const Ops&, const fs::path& file, std::optional<DType>);

// Version 3 or 5 by the model's dtype, the vocabulary padded with rows of zeros to a multiple of 128, which llm.c
// requires. An exact GELU becomes llm.c's tanh GELU, which differs by up to 5e-4. Error if llm.c does not support the
// model.
void write_llmc(const LanguageModel&, const fs::path& file);

}  // namespace gradus
