#pragma once
// nanoGPT's checkpoints, ckpt.pt: a dictionary that torch.save wrote (engine/convert/torch_file.h).
//
//   model           name → tensor: transformer.wte.weight [V,C], transformer.h.0.attn.c_attn.weight [3C,C], …,
//                   lm_head.weight; names as Hugging Face's GPT-2 has them, matrices [out, in] and not transposed;
//                   compiled models have "_orig_mod." before every name
//   model_args      n_layer, n_head, n_embd, block_size, vocab_size, bias, dropout
//   optimizer, iter_num, best_val_loss, config     for resuming with its train.py
//
// A model with bias=False becomes a GPT-2 with zero biases. The vocabulary keeps its padding (50304 for GPT-2's 50257):
// the padding ids are part of the model's softmax.
//
// nanoGPT computes GELU with the error function, and so does the model that is read. (Earlier versions used tanh, which
// the files do not record: for a checkpoint of those, set "gelu_new" in config.json.)
//
// Source: model.py and train.py of karpathy/nanoGPT.
#include <optional>

#include "engine/base/file.h"
#include "engine/language_model.h"

namespace gradus {

struct ForeignModel {
    std::unique_ptr<LanguageModel> model;
    std::vector<std::string> notes;  // for the user, a line each
};

// Reads it in that dtype, or the file's own: bf16 if all its weights are, else f32. Error names the file and the tensor
// or key that is wrong; unknown tensors are errors too, since they mean another architecture.
ForeignModel read_nanogpt(const Ops&, const fs::path& file, std::optional<DType>);

// Writes a checkpoint that nanoGPT's sample.py samples from and train.py resumes from, with fresh moments and at
// iteration 0. If all biases are zero it has none (bias=False). A tanh GELU becomes nanoGPT's exact one, which differs
// by up to 5e-4. Error if nanoGPT does not support the model.
void write_nanogpt(const LanguageModel&, const fs::path& file);

}  // namespace gradus
