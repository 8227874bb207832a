#pragma once
// The tokens that begin at a byte of a text, for all of Unigram's algorithms.
#include "tokenizer/models/unigram.h"

namespace gradus {

// The length of a character by its first byte; 1 if that begins none. Less at the end of the text.
inline size_t char_length(std::string_view text, size_t at) {
    static constexpr uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    const size_t length = lengths[uint8_t(text[at]) >> 4];
    return length < text.size() - at ? length : text.size() - at;
}

// visit(end, id, score): shortest first; then the unknown token (id -1), if the character is no token itself.
template <class Visit>
void UnigramModel::for_each_edge(std::string_view text, size_t begin, const Visit& visit) const {
    const size_t char_end = begin + char_length(text, begin);
    bool has_char = false;
    uint32_t node = DoubleArray::root;
    for (size_t at = begin; at < text.size();) {
        node = ids_.step(node, text[at++]);
        if (node == DoubleArray::no_node) break;
        const int32_t id = ids_.value(node);
        if (id < 0) continue;
        visit(at, id, scores_[size_t(id)]);
        has_char |= at == char_end;
    }
    if (!has_char) visit(char_end, -1, unknown_score_);
}

// Turns edges into tokens, from left to right: unknown ones are collected until a known one comes.
class UnigramModel::Output {
public:
    Output(const UnigramModel& model, std::string_view piece) : model_(model), piece_(piece) {}

    // append(id, begin, end)
    template <class Append>
    void add(int32_t id, uint32_t begin, uint32_t end, const Append& append) {
        if (model_.is_unknown(id)) {
            if (unknown_begin_ == none) unknown_begin_ = begin;
            unknown_end_ = end;
            return;
        }
        finish(append);
        append(id, begin, end);
    }

    bool in_unknown() const { return unknown_begin_ != none; }

    template <class Append>
    void finish(const Append& append) {
        if (!in_unknown()) return;
        const uint32_t begin = unknown_begin_, end = unknown_end_;
        unknown_begin_ = none;
        const std::string_view text = piece_.substr(begin, end - begin);
        if (const int32_t id = model_.ids_.find(text); id >= 0) return append(id, begin, end);
        if (model_.byte_fallback_ &&
            append_byte_tokens(text, model_.id_of_byte_, [&](int32_t id, size_t) { append(id, begin, end); }))
            return;
        if (!model_.unknown_) no_unknown_token(std::nullopt, text);
        append(*model_.unknown_, begin, end);
    }

private:
    const UnigramModel& model_;
    std::string_view piece_;
    uint32_t unknown_begin_ = none, unknown_end_ = none;
};

}  // namespace gradus
