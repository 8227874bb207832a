#pragma once
// SentencePiece's table of replacements, the normalizer Precompiled.
//
// Format: the size of a trie in bytes (32 bits, little endian), the trie as a double array of 32-bit units (Darts), and the replacements, each
// ended by a zero byte. The values of the trie are offsets of replacements.
//
// Hugging Face's library looks up grapheme clusters of less than six bytes, and what has no entry then one character at a time. It takes the
// shortest entry that begins a cluster, and replaces the whole cluster by it. Source: its normalizers/precompiled.rs and spm_precompiled.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/normalize/aligned_text.h"

namespace gradus {

class Charsmap {
public:
    // Error: the bytes are not in this format.
    explicit Charsmap(std::string_view bytes);

    // Whether anything changed; if not, `to` is to be ignored.
    bool apply(const AlignedText& from, AlignedText& to) const;

    // The replacement of the shortest entry that begins `text`.
    std::optional<std::string_view> shortest(std::string_view text) const;
    // The longest entry that begins `text`, as SentencePiece looks it up: its length and its replacement.
    struct Entry {
        size_t length;
        std::string_view replacement;
    };
    std::optional<Entry> longest(std::string_view text) const;

private:
    template <class Found>
    void search(std::string_view text, Found&& found) const;
    std::string_view replacement_at(uint32_t offset) const;

    std::vector<uint32_t> trie_;
    std::string replacements_;
};

}  // namespace gradus
