#pragma once
// The block scanners of one instruction set; x86/ or any/ chooses the best that this machine has.
#include <vector>

#include "tokenizer/scan/cl100k.h"
#include "tokenizer/scan/gpt2.h"
#include "tokenizer/scan/scan.h"

namespace gradus {

using Scanner = ScannedPieces (*)(const char* at, const char* end, uint32_t* ends, size_t room);

struct Scanners {
    Scanner of[3];  // by KnownPattern
};

template <class Bytes>
constexpr Scanners scanners_with = {
    {scan_blocks<Gpt2Pattern, Bytes>, scan_blocks<Cl100kPattern<3>, Bytes>, scan_blocks<Cl100kPattern<1>, Bytes>}};

// Those that this machine can run, the fastest first; all give the same pieces.
std::vector<Scanners> all_scanners();

}  // namespace gradus
