// Eight bytes at a time.
#include "tokenizer/unicode/text_units.h"

#include <cstring>

namespace gradus {

size_t ascii_end(std::string_view text, size_t at) {
    constexpr uint64_t high_bits = 0x8080808080808080;
    for (uint64_t word; at + sizeof word <= text.size(); at += sizeof word) {
        std::memcpy(&word, text.data() + at, sizeof word);
        if (word & high_bits) break;
    }
    while (at < text.size() && uint8_t(text[at]) < 0x80) ++at;
    return at;
}

}  // namespace gradus
