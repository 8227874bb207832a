#pragma once
// GPT-2's pre-tokenizer: cuts text into the pieces that byte-pair merges never cross.
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// The alternatives are tried in that order, which a scanner can do with one look at the class of each character: a
// contraction; a run of one class with at most one U+0020 before it; white space, which leaves its last character to
// what follows, unless it is the whole run or the end of the text. Bytes that are not UTF-8 count as [^\s\p{L}\p{N}].
// Source: GPT-2's encoder.py.
#include <string_view>

namespace gradus {

// The end of the piece that starts at `at`; at < end.
const char* gpt2_piece_end(const char* at, const char* end);

// Calls visit(piece) for each piece of the text, in order; together they are the text.
template <class Visit>
void for_each_gpt2_piece(std::string_view text, Visit&& visit) {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        const char* const next = gpt2_piece_end(at, end);
        visit(std::string_view(at, size_t(next - at)));
        at = next;
    }
}

}  // namespace gradus
