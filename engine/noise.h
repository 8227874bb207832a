#pragma once
// Noise on the embeddings of training (NEFTune): kernels/noise.h with the amplitude
//
//   amplitude[n] = α/√(T·C)        T: tokens of the document that row n is in; C: channels
//
// A document is what attends to itself alone: a conversation in a packed row, or the whole row. So a conversation gets the same noise
// level however it is packed. Source: Jain et al. 2023, "NEFTune: noisy embeddings improve instruction finetuning".
#include "engine/batch.h"

namespace gradus {

// amplitude [B·T], on the host, in the accumulator's dtype.
void fill_amplitudes(Tensor amplitude, const HostBatch&, double alpha, int channels);

}  // namespace gradus
