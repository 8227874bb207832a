#include "align/raters/description_rater.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "engine/base/philox.h"

namespace gradus {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80); }

// A full stop ends a sentence where it is followed by a space or by nothing.
int ends_of_sentences(std::string_view text) {
    int count = 0;
    for (size_t i = 0; i < text.size(); ++i)
        count += (text[i] == '.' || text[i] == '!' || text[i] == '?') && (i + 1 == text.size() || text[i + 1] == ' ');
    return count;
}

bool repeats(std::string_view text) {
    constexpr size_t shortest = 4;
    std::set<std::string> seen;
    std::string word;
    for (size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && is_letter(text[i])) {
            word += char(std::tolower(uint8_t(text[i])));
            continue;
        }
        if (word.size() >= shortest && !seen.insert(word).second) return true;
        word.clear();
    }
    return false;
}

}  // namespace

std::string name_asked_for(const std::string& question) {
    constexpr std::string_view before = "What is ";
    const size_t at = question.rfind(before);
    if (at == std::string::npos) return "";
    const size_t first = at + before.size(), end = question.rfind('?');
    return end == std::string::npos || end < first ? "" : question.substr(first, end - first);
}

DescriptionUtility utility_of_description(const std::string& question, const std::string& answer, bool ended) {
    const std::string_view text = stripped(answer);
    const std::string name = name_asked_for(question);
    DescriptionUtility u;
    u.names = !name.empty() && text.find(name) != std::string_view::npos;
    u.ends = ended;
    u.sentence = !text.empty() && text.find('\n') == std::string_view::npos && ends_of_sentences(text) == 1 &&
                 (text.back() == '.' || text.back() == '!' || text.back() == '?');
    u.fresh = !text.empty() && !repeats(name.empty() ? text : text.substr(text.starts_with(name) ? name.size() : 0));
    return u;
}

std::vector<int> simulated_ranks(const std::vector<double>& utilities, double noise, uint64_t seed, uint64_t stream) {
    const Philox random{key_of(seed, stream)};
    std::vector<std::pair<double, size_t>> order;
    for (size_t i = 0; i < utilities.size(); ++i)
        order.push_back({-(utilities[i] - noise * std::log(-std::log(std::max(random.uniform(i), 0x1p-60)))), i});
    std::sort(order.begin(), order.end());
    std::vector<int> ranks(utilities.size());
    for (size_t place = 0; place < order.size(); ++place) ranks[order[place].second] = int(place) + 1;
    return ranks;
}

}  // namespace gradus
