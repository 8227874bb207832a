// Processors without scanners of their own.
#include "tokenizer/scan/scanners.h"

namespace gradus {

std::vector<Scanners> all_scanners() { return {scanners_with<PlainBytes>}; }

}  // namespace gradus
