#pragma once
// The table that kernels/rope.h reads: rope_table[p,i] = (cos, sin)(p · frequency[i]).
//
//   frequency[i] = theta^(−i/R)                      R = D/2 pairs
//
// LLaMA 3.1 rescales the low frequencies, so that a model trained on short sequences works on long ones. With the
// wavelength λ = 2π/frequency and O the original context:
//
//   λ < O/high                    unchanged
//   λ > O/low                     frequency / factor
//   between                       ((1 − m)/factor + m)·frequency,   m = (O/λ − low)/(high − low)
//
// Sources: Su et al. 2021; the LLaMA 3.1 model card as implemented in Hugging Face transformers.
#include <vector>

#include "engine/run.h"

namespace gradus {

std::vector<double> rope_frequencies(const ModelConfig&);

// Fills rope_table [P, D/2, 2] in the tensor's dtype.
void fill_rope_table(const Ops&, const ModelConfig&, Tensor rope_table, Stream);

}  // namespace gradus
