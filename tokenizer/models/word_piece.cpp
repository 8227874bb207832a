// WordPiece: greedy longest match over a trie.
#include "tokenizer/models/word_piece.h"

#include <algorithm>

namespace gradus {

namespace {

// Bytes that do not continue a character; at least the characters of any text that is UTF-8.
size_t count_chars(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char byte) { return (uint8_t(byte) & 0xC0) != 0x80; }));
}

}  // namespace

WordPieceModel::WordPieceModel(const parts::WordPiece& parts, const TokenNames& names)
    : unknown_(parts.unknown),
      max_chars_(parts.max_input_chars_per_word),
      ids_(ids_of_names(names)),
      unknown_id_(ids_.find(unknown_)),
      continuing_root_(ids_.walk(parts.continuing_prefix)) {}

// Calls append(id, begin, end) for each token; false as soon as there is none.
template <class Append>
bool WordPieceModel::split(std::string_view word, const Append& append) const {
    if (word.size() > max_chars_ && count_chars(word) > max_chars_) return false;
    uint32_t node = DoubleArray::root;
    for (size_t begin = 0; begin < word.size(); node = continuing_root_) {
        int32_t longest = -1;
        size_t end = begin;
        for (size_t at = begin; node != DoubleArray::no_node && at < word.size();) {
            node = ids_.step(node, word[at++]);
            if (node == DoubleArray::no_node) break;
            if (const int32_t id = ids_.value(node); id >= 0) {
                longest = id;
                end = at;
            }
        }
        if (longest < 0) return false;
        append(longest, begin, end);
        begin = end;
    }
    return true;
}

int32_t WordPieceModel::unknown_id(std::string_view word) const {
    if (unknown_id_ < 0) no_unknown_token(unknown_, word);
    return unknown_id_;
}

void WordPieceModel::encode(std::string_view piece, std::vector<ModelToken>& out) const {
    const size_t before = out.size();
    const auto append = [&](int32_t id, size_t begin, size_t end) {
        out.push_back({id, uint32_t(begin), uint32_t(end)});
    };
    if (split(piece, append)) return;
    out.resize(before);
    out.push_back({unknown_id(piece), 0, uint32_t(piece.size())});
}

void WordPieceModel::encode(std::string_view piece, std::vector<int32_t>& out) const {
    const size_t before = out.size();
    if (split(piece, [&](int32_t id, size_t, size_t) { out.push_back(id); })) return;
    out.resize(before);
    out.push_back(unknown_id(piece));
}

}  // namespace gradus
