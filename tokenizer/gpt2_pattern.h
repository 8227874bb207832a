#pragma once
// GPT-2's pre-tokenizer: splits text into pieces; BPE merges never cross their boundaries.
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// The alternatives are tried in this order. A scanner needs to look only once at the class of each character: a
// contraction; a run of one class with at most one U+0020 before it; white space, whose last character belongs to the
// next piece unless it is the whole run or ends the text. Bytes that are not UTF-8 count as [^\s\p{L}\p{N}].
// Source: GPT-2's encoder.py.
#include <string_view>

namespace gradus {

// The end of the piece that starts at `at`; at < end.
const char* gpt2_piece_end(const char* at, const char* end);

// Calls visit(piece) for each piece in order; concatenated they are the text.
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
