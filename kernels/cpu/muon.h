#pragma once
// Muon on the CPU; formulas, shapes and costs are in kernels/muon.h.
#include "kernels/muon.h"

namespace gradus::cpu {

void muon(const Muon&, Stream);

}  // namespace gradus::cpu
