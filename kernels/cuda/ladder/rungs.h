#pragma once
// The rungs of each family, from naive to shipped. A family is a folder: a file for each rung, and rungs.cu with the list.
// Formulas: the headers of the ops. Pages: docs/kernels/.
#include "kernels/cuda/device_ops.h"
#include "kernels/ladder.h"

namespace gradus::DEVICE {

std::vector<Rung> adamw_rungs();
std::vector<Rung> attention_rungs();
std::vector<Rung> attention_hopper_rungs();
std::vector<Rung> cross_entropy_rungs();
std::vector<Rung> decoding_rungs();
std::vector<Rung> layernorm_rungs();
std::vector<Rung> matmul_rungs();
std::vector<Rung> reduction_rungs();

const std::vector<Rung>& ladder();  // of all families

}  // namespace gradus::DEVICE
