// The scanners compiled for AVX-512 (BW, VL) and BMI2.
#include "tokenizer/scan/x86/avx512_bytes.h"
#include "tokenizer/scan/x86/instruction_sets.h"

namespace gradus {

const Scanners& avx512_scanners() { return scanners_with<Avx512Bytes>; }

}  // namespace gradus
