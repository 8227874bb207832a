// ByteLevel and Metaspace, which change pieces.
#include <algorithm>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/scan/scan.h"
#include "tokenizer/split/cut.h"

namespace gradus {

namespace {

// Writes every piece anew: change(rewriter, piece) rewrites it. A piece keeps what it stands for.
template <class Change>
void rewrite_pieces(SplitText& text, Change&& change) {
    AlignedText next;
    next.tracked = text.aligned.tracked;
    for (Piece& piece : text.pieces) {
        const size_t begin = next.text.size();
        Rewriter rewriter(text.aligned, piece.begin, piece.end, {piece.original.begin, piece.original.begin}, next);
        change(rewriter, piece);
        piece.begin = begin;
        piece.end = next.text.size();
    }
    text.aligned = std::move(next);
}

void prepend_spaces(SplitText& text) {
    const auto needs_space = [&](const Piece& piece) { return text.aligned.text[piece.begin] != ' '; };
    if (std::none_of(text.pieces.begin(), text.pieces.end(), needs_space)) return;
    rewrite_pieces(text, [&](Rewriter& rewriter, const Piece& piece) {
        if (needs_space(piece)) rewriter.prepend(" ");
        rewriter.keep_rest();
    });
}

void find_gpt2_pieces(std::string_view text, std::vector<TextPart>& parts) {
    parts.clear();
    for_each_piece(KnownPattern::gpt2, text, [&](std::string_view piece) {
        const size_t begin = size_t(piece.data() - text.data());
        parts.push_back({begin, begin + piece.size(), true});
    });
}

// The same as below for a text that is not tracked, a byte at a time.
void write_letters(SplitText& text) {
    static const std::vector<std::string> letters = [] {
        std::vector<std::string> all(256);
        for (int byte = 0; byte < 256; ++byte) append_utf8(all[size_t(byte)], byte_to_code_point(uint8_t(byte)));
        return all;
    }();
    std::string next;
    next.reserve(text.aligned.text.size() * 5 / 4);
    for (Piece& piece : text.pieces) {
        const std::string_view bytes = text.text_of(piece);
        piece.begin = next.size();
        for (const char byte : bytes) {
            if (byte >= '!' && byte <= '~') next += byte;
            else next += letters[uint8_t(byte)];
        }
        piece.end = next.size();
    }
    text.aligned.text = std::move(next);
    text.aligned.changed = true;
}

}  // namespace

void byte_level(SplitText& text, const parts::ByteLevel& step) {
    if (step.add_prefix_space) prepend_spaces(text);
    if (step.use_regex) cut_pieces(text, parts::SplitBehavior::isolated, find_gpt2_pieces);
    if (!text.aligned.tracked) return write_letters(text);
    rewrite_pieces(text, [&](Rewriter& rewriter, const Piece& piece) {
        const std::string& bytes = text.aligned.text;
        for (size_t at = piece.begin; at < piece.end;) {
            if (bytes[at] >= '!' && bytes[at] <= '~') {  // which are their own letters
                rewriter.keep_to(++at);
                continue;
            }
            const size_t length = unit_at(bytes, at).length;
            rewriter.replace(byte_to_code_point(uint8_t(bytes[at])));
            for (size_t i = 1; i < length; ++i) rewriter.insert(byte_to_code_point(uint8_t(bytes[at + i])));
            at += length;
        }
    });
}

void metaspace(SplitText& text, char32_t replacement, parts::PrependScheme scheme, bool split) {
    std::string mark;
    append_unit(mark, replacement);
    rewrite_pieces(text, [&](Rewriter& rewriter, const Piece& piece) {
        const std::string& bytes = text.aligned.text;
        const bool begins = bytes[piece.begin] == ' ' || unit_at(bytes, piece.begin).code == replacement;
        if (!begins && (scheme == parts::PrependScheme::always ||
                        (scheme == parts::PrependScheme::first && piece.original.begin == 0)))
            rewriter.prepend(mark);
        for (size_t at = piece.begin; (at = bytes.find(' ', at)) < piece.end;) {
            rewriter.keep_to(at);
            rewriter.skip_to(++at);
            rewriter.insert(mark);
        }
        rewriter.keep_rest();
    });
    if (split)
        cut_pieces(text, parts::SplitBehavior::merged_with_next,
                   each_unit([=](char32_t code) { return code == replacement; }));
}

}  // namespace gradus
