#pragma once
// Boundaries of extended grapheme clusters (Unicode Standard Annex 29), as Precompiled needs them.
#include <cstddef>
#include <string_view>

namespace gradus {

// The end of the cluster that begins at `at` < text.size().
size_t grapheme_end(std::string_view text, size_t at);

}  // namespace gradus
