#pragma once
// The scanners for each instruction set of x86-64. Each is in a file of its own, compiled for it.
#include "tokenizer/scan/scanners.h"

namespace gradus {

const Scanners& avx512_scanners();
const Scanners& avx2_scanners();

}  // namespace gradus
