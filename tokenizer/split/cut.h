#pragma once
// From matches to pieces. Only the files of tokenizer/split include this.
#include <vector>

#include "tokenizer/parts/pre_tokenizer.h"
#include "tokenizer/split/pre_tokenizer.h"
#include "tokenizer/split/text_splitter.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

// Makes of matches and what is between them what is kept, by the behavior; is_match then means dropped.
void apply_behavior(std::vector<TextPart>& parts, parts::SplitBehavior behavior);

// Cuts every piece where find(text, parts) says.
template <class Find>
void cut_pieces(SplitText& text, parts::SplitBehavior behavior, Find&& find) {
    std::vector<Piece> pieces;
    std::vector<TextPart> parts;
    pieces.reserve(text.pieces.size());
    for (const Piece& piece : text.pieces) {
        find(text.text_of(piece), parts);
        apply_behavior(parts, behavior);
        for (const TextPart& part : parts) {
            if (part.is_match || part.begin == part.end) continue;
            const size_t begin = piece.begin + part.begin, end = piece.begin + part.end;
            pieces.push_back({begin, end, text.aligned.tracked ? text.aligned.range_of(begin, end) : ByteRange{}});
        }
    }
    text.pieces = std::move(pieces);
}

// A find() for which every unit that matches(code) says is a match.
template <class Matches>
auto each_unit(Matches matches) {
    return [matches](std::string_view text, std::vector<TextPart>& parts) {
        parts.clear();
        size_t last = 0;
        for (size_t at = 0; at < text.size();) {
            const Unit unit = unit_at(text, at);
            if (matches(unit.code)) {
                if (last < at) parts.push_back({last, at, false});
                parts.push_back({at, at + unit.length, true});
                last = at + unit.length;
            }
            at += unit.length;
        }
        if (last < text.size()) parts.push_back({last, text.size(), false});
    };
}

// The steps that change pieces, or cut them in ways of their own.
void byte_level(SplitText& text, const parts::ByteLevel& step);
void metaspace(SplitText& text, char32_t replacement, parts::PrependScheme scheme, bool split);
void split_lengths(SplitText& text, size_t length);
void split_scripts(SplitText& text);
void split_words(SplitText& text);

}  // namespace gradus
