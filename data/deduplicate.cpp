#include "data/deduplicate.h"

#include <xxhash.h>

#include "data/text.h"

namespace gradus {

TextHash text_hash(std::string_view text) {
    const std::string words = with_single_spaces(text);
    const XXH128_hash_t hash = XXH3_128bits(words.data(), words.size());
    return {hash.low64, hash.high64};
}

}  // namespace gradus
