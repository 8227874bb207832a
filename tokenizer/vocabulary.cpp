// The tokens of a tokenizer, and the search for special ones in a text.
#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <functional>

#include "engine/base/error.h"

namespace gradus {

Vocabulary::Vocabulary(const std::vector<std::string>& tokens, const std::vector<int32_t>& specials,
                       const std::vector<int32_t>& added)
    : special_(tokens.size(), false), added_(tokens.size(), false), has_added_(!added.empty()) {
    ends_.reserve(tokens.size());
    for (const std::string& token : tokens) {
        arena_ += token;
        ends_.push_back(arena_.size());
    }
    arena_.append(padding, '\0');
    auto keep = [&](int32_t id, std::map<std::string, int32_t, std::less<>>& ids, std::vector<bool>& marked) {
        const std::string& text = tokens.at(size_t(id));
        CHECK(!text.empty());
        CHECK(ids.emplace(text, id).second, text);
        marked[size_t(id)] = true;
        std::vector<size_t>& lengths = lengths_[uint8_t(text[0])];
        if (std::find(lengths.begin(), lengths.end(), text.size()) == lengths.end()) lengths.push_back(text.size());
    };
    for (const int32_t id : specials) keep(id, id_of_special_, special_);
    for (const int32_t id : added) keep(id, id_of_added_, added_);
    for (std::vector<size_t>& lengths : lengths_) std::sort(lengths.begin(), lengths.end(), std::greater<>());
}

std::optional<int32_t> Vocabulary::special_id(std::string_view text) const {
    const auto found = id_of_special_.find(text);
    if (found == id_of_special_.end()) return std::nullopt;
    return found->second;
}

std::optional<Vocabulary::Match> Vocabulary::find(std::string_view text, size_t from, Wanted wanted) const {
    for (size_t at = from; at < text.size(); ++at)
        for (const size_t length : lengths_[uint8_t(text[at])]) {
            if (length > text.size() - at) continue;
            const std::string_view here = text.substr(at, length);
            if (const auto found = id_of_added_.find(here); found != id_of_added_.end())
                return Match{at, length, found->second};
            if (wanted == Wanted::added) continue;
            if (const std::optional<int32_t> id = special_id(here)) return Match{at, length, *id};
        }
    return std::nullopt;
}

}  // namespace gradus
