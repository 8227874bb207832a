// The steps that cut pieces in ways of their own.
#include "tokenizer/split/cut.h"
#include "tokenizer/unicode/properties.h"

namespace gradus {

void split_lengths(SplitText& text, size_t length) {
    cut_pieces(text, parts::SplitBehavior::isolated, [=](std::string_view piece, std::vector<TextPart>& parts) {
        parts.clear();
        for (size_t begin = 0, at = 0; begin < piece.size(); begin = at) {
            for (size_t i = 0; i < length && at < piece.size(); ++i) at += unit_at(piece, at).length;
            parts.push_back({begin, at, true});
        }
    });
}

// What precedes the first character that belongs to one script is dropped, as in Hugging Face's library.
void split_scripts(SplitText& text) {
    cut_pieces(text, parts::SplitBehavior::isolated, [](std::string_view piece, std::vector<TextPart>& parts) {
        parts.clear();
        uint32_t last = 0;
        size_t begin = piece.size();
        for (size_t at = 0; at < piece.size();) {
            const Unit unit = unit_at(piece, at);
            const uint32_t script = splitting_script_of(unit.code);
            if (script != 0 && script != last) {
                if (last != 0) parts.push_back({begin, at, true});
                begin = at;
                last = script;
            }
            at += unit.length;
        }
        parts.push_back({begin, piece.size(), true});
    });
}

// \w+|[^\w\s]+
void split_words(SplitText& text) {
    cut_pieces(text, parts::SplitBehavior::removed, [](std::string_view piece, std::vector<TextPart>& parts) {
        enum class Kind { space, word, other };
        parts.clear();
        Kind last = Kind::space;
        for (size_t at = 0; at < piece.size();) {
            const Unit unit = unit_at(piece, at);
            const Properties properties = properties_of(unit.code);
            const Kind kind = properties.is_word()          ? Kind::word
                              : properties.is_white_space() ? Kind::space
                                                            : Kind::other;
            if (kind != Kind::space) {
                if (kind == last) parts.back().end = at + unit.length;
                else parts.push_back({at, at + unit.length, false});
            }
            last = kind;
            at += unit.length;
        }
    });
}

}  // namespace gradus
