#pragma once
// nanoGPT's checkpoints, ckpt.pt: a dictionary that torch.save wrote (engine/convert/torch_file.h).
//
//   model           name → tensor: transformer.wte.weight [V,C], transformer.h.0.attn.c_attn.weight [3C,C], …, lm_head.weight;
//                   names as Hugging Face's GPT-2 has them, matrices [out, in] and not transposed; compiled models have
//                   "_orig_mod." before every name
//   model_args      n_layer, n_head, n_embd, block_size, vocab_size, bias, dropout
//   optimizer, iter_num, best_val_loss, config     what its train.py resumes with
//
// A model with bias=False is our GPT-2 with biases of zero. The vocabulary keeps its padding (50304 for GPT-2's 50257): the
// ids above are part of the model's softmax.
//
// nanoGPT computes GELU with the error function, and so does a GPT-2 that is read here. (Its earlier versions did
// with tanh, and the files do not tell: for one of those, say "gelu_new" in config.json.)
//
// Source: model.py and train.py of karpathy/nanoGPT.
#include <optional>

#include "engine/base/file.h"
#include "engine/language_model.h"

namespace gradus {

struct ForeignModel {
    std::unique_ptr<LanguageModel> model;
    std::vector<std::string> notes;  // what its user should know, a line each
};

// In that dtype, or in the file's own: bf16 where all its weights are, else f32. Error names the file and the tensor or key
// that is wrong; what no weight asks for is wrong too, since then the model computes something else.
ForeignModel read_nanogpt(const Ops&, const fs::path& file, std::optional<DType>);

// Writes a checkpoint that nanoGPT's sample.py samples from and train.py resumes from, with fresh moments and at iteration
// 0. Where all biases are zero it has none. A GELU with tanh becomes nanoGPT's own, which differs by up to 5e-4. Error where
// nanoGPT cannot hold the model.
void write_nanogpt(const LanguageModel&, const fs::path& file);

}  // namespace gradus
