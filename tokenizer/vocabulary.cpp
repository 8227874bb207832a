// The tokens of a tokenizer, and the search for special ones in a text.
#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <functional>

#include "engine/base/error.h"

namespace gradus {

Vocabulary::Vocabulary(const std::vector<std::string>& tokens, const std::vector<int32_t>& specials)
    : special_(tokens.size(), false) {
    ends_.reserve(tokens.size());
    for (const std::string& token : tokens) {
        arena_ += token;
        ends_.push_back(arena_.size());
    }
    arena_.append(padding, '\0');
    for (const int32_t id : specials) {
        const std::string& text = tokens.at(size_t(id));
        CHECK(!text.empty());
        CHECK(id_of_special_.emplace(text, id).second, text);
        special_[size_t(id)] = true;
        std::vector<size_t>& lengths = special_lengths_[uint8_t(text[0])];
        if (std::find(lengths.begin(), lengths.end(), text.size()) == lengths.end()) lengths.push_back(text.size());
    }
    for (std::vector<size_t>& lengths : special_lengths_) std::sort(lengths.begin(), lengths.end(), std::greater<>());
}

std::optional<int32_t> Vocabulary::special_id(std::string_view text) const {
    const auto found = id_of_special_.find(text);
    if (found == id_of_special_.end()) return std::nullopt;
    return found->second;
}

std::optional<Vocabulary::Match> Vocabulary::find_special(std::string_view text, size_t from) const {
    for (size_t at = from; at < text.size(); ++at)
        for (const size_t length : special_lengths_[uint8_t(text[at])]) {
            if (length > text.size() - at) continue;
            if (const std::optional<int32_t> id = special_id(text.substr(at, length))) return Match{at, length, *id};
        }
    return std::nullopt;
}

}  // namespace gradus
