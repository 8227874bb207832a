#pragma once
// Pre-tokenizers of byte-level BPE as hand-written scanners: they split text into pieces as the well-known patterns do.
//
// A scanner has two forms. piece_end() is the pattern read aloud, for one piece at a time. scan_pieces() finds the pieces of a long
// text 64 bytes at a time, as bits (blocks.h), and calls piece_end() where bits do not tell. Bytes that are not UTF-8 are neither
// letters, numbers nor white space.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gradus {

enum class KnownPattern {
    gpt2,    // GPT-2, RoBERTa, GPT-NeoX, OPT
    cl100k,  // GPT-3.5 and GPT-4; Llama 3: runs of up to three digits, any case of contractions
    qwen2,   // Qwen2 and Qwen3: the same with single digits
};

// Their regular expressions as in tokenizer.json.
std::string_view regex_of(KnownPattern pattern);
std::optional<KnownPattern> known_pattern(std::string_view regex);
std::optional<KnownPattern> pattern_named(std::string_view name);  // as in the enum

// The end of the piece that starts at `at`; at < end.
const char* piece_end(KnownPattern pattern, const char* at, const char* end);

struct ScannedPieces {
    size_t count;
    const char* end;  // of the last piece
};
inline constexpr size_t least_room = 64;

// Writes the ends of the next pieces of [at, end), as offsets from `at`, until the text ends or fewer than least_room places of `room` are
// left. At most 2^32 bytes are scanned. at < end; room >= least_room.
ScannedPieces scan_pieces(KnownPattern pattern, const char* at, const char* end, uint32_t* ends, size_t room);

// Calls visit(piece) for each piece in order; concatenated they are the text.
template <class Visit>
void for_each_piece(KnownPattern pattern, std::string_view text, Visit&& visit) {
    uint32_t ends[4 * least_room];
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        const ScannedPieces found = scan_pieces(pattern, at, end, ends, std::size(ends));
        uint32_t begin = 0;
        for (size_t i = 0; i < found.count; ++i) {
            visit(std::string_view(at + begin, ends[i] - begin));
            begin = ends[i];
        }
        at = found.end;
    }
}

}  // namespace gradus
