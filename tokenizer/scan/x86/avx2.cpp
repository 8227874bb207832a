// The scanners compiled for AVX2 and BMI2.
#include "tokenizer/scan/x86/avx2_bytes.h"
#include "tokenizer/scan/x86/instruction_sets.h"

namespace gradus {

const Scanners& avx2_scanners() { return scanners_with<Avx2Bytes>; }

}  // namespace gradus
