// Asks the processor which scanners it can run.
#include "tokenizer/scan/x86/instruction_sets.h"

namespace gradus {

std::vector<Scanners> all_scanners() {
    __builtin_cpu_init();
    const bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    std::vector<Scanners> all;
    if (bits && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        all.push_back(avx512_scanners());
    if (bits && __builtin_cpu_supports("avx2")) all.push_back(avx2_scanners());
    all.push_back(scanners_with<PlainBytes>);
    return all;
}

}  // namespace gradus
