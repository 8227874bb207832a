#include "engine/base/suggest.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace gradus {

namespace {

constexpr size_t longest = 200;  // bounds the cost, which is the product of the lengths

bool is_last_part(std::string_view word, std::string_view name) {
    return name.size() > word.size() && name.substr(name.size() - word.size()) == word &&
           name[name.size() - word.size() - 1] == '.';
}

// Short words that differ in a letter are different words, unless two letters were swapped.
bool is_another_word(std::string_view word, std::string_view name) {
    if (word.size() > 3 || word.size() != name.size() || word == name) return false;
    std::string a(word), b(name);
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a != b;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        std::swap(before, row);
        std::swap(row, next);
    }
    return row.back();
}

std::string nearest_name(std::string_view word, const std::vector<std::string>& names) {
    word = word.substr(0, longest);
    std::string nearest;
    size_t best = std::max<size_t>(1, std::min<size_t>(4, word.size() / 3)) + 1;  // farther names are other words
    for (const std::string& name : names) {
        const size_t distance = !word.empty() && is_last_part(word, name) ? 0 : edit_distance(word, name);
        if (distance >= best || (distance > 0 && is_another_word(word, name))) continue;
        best = distance;
        nearest = name;
    }
    if (nearest.empty() && word.find('.') == std::string_view::npos) {  // a mistyped last part of a longer name
        best = std::max<size_t>(1, word.size() / 3) + 1;
        for (const std::string& name : names) {
            const size_t dot = name.rfind('.');
            if (dot == std::string::npos) continue;
            const std::string_view part = std::string_view(name).substr(dot + 1);
            const size_t distance = edit_distance(word, part);
            if (distance >= best || is_another_word(word, part)) continue;
            best = distance;
            nearest = name;
        }
    }
    return nearest;
}

std::string name_by_synonym(std::string_view word, std::span<const Synonym> synonyms) {
    std::string plain(word.substr(0, longest));
    for (char& c : plain) c = c == '-' ? '_' : char(std::tolower(uint8_t(c)));
    for (const Synonym& s : synonyms)
        if (s.word == plain) return std::string(s.name);
    return "";
}

}  // namespace gradus
