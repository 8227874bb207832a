// The automaton: built level by level from the sorted words, so that the children of a node lie together.
#include "tokenizer/word_finder.h"

#include <algorithm>
#include <string>

#include "engine/base/error.h"

namespace gradus {

WordFinder::WordFinder(const std::vector<std::string_view>& words) {
    size_t bytes = 0;
    std::vector<uint32_t> sorted;
    std::vector<std::string> reversed(words.size());
    for (size_t i = 0; i < words.size(); ++i) {
        bytes += words[i].size();
        lengths_.push_back(uint32_t(words[i].size()));
        reversed[i].assign(words[i].rbegin(), words[i].rend());
        if (!words[i].empty()) sorted.push_back(uint32_t(i));
    }
    if (bytes >= size_t(1) << 31)
        throw Error("cannot search for the added tokens", "they have " + std::to_string(bytes) + " bytes together",
                    "use a tokenizer with less than 2 GiB of added tokens");
    std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return reversed[a] < reversed[b]; });

    // Of each node of the last level, the words that begin with it.
    struct Span {
        size_t begin, end;
    };
    nodes_.emplace_back();
    std::vector<Span> level = {{0, sorted.size()}}, next_level;
    size_t first_of_level = 0;
    for (size_t depth = 0; !level.empty(); ++depth) {
        next_level.clear();
        const size_t first_of_next = nodes_.size();
        for (size_t i = 0; i < level.size(); ++i) {
            auto [at, end] = level[i];
            const size_t node = first_of_level + i;
            for (; at < end && reversed[sorted[at]].size() == depth; ++at)
                if (depth > 0 && nodes_[node].word == no_word) nodes_[node].word = sorted[at];
            nodes_[node].children_begin = uint32_t(nodes_.size());
            while (at < end) {
                const char label = reversed[sorted[at]][depth];
                const size_t begin = at;
                while (at < end && reversed[sorted[at]][depth] == label) ++at;
                nodes_.emplace_back().label = uint8_t(label);
                next_level.push_back({begin, at});
            }
            nodes_[node].children_end = uint32_t(nodes_.size());
        }
        first_of_level = first_of_next;
        std::swap(level, next_level);
    }
    for (uint32_t i = nodes_[0].children_begin; i < nodes_[0].children_end; ++i) root_children_[nodes_[i].label] = i;
    link();
}

void WordFinder::link() {
    for (uint32_t node = 0; node < nodes_.size(); ++node) {
        for (uint32_t i = nodes_[node].children_begin; i < nodes_[node].children_end; ++i) {
            Node& below = nodes_[i];
            below.failure = node == 0 ? 0 : step(nodes_[node].failure, below.label);
            if (below.word == no_word) below.word = nodes_[below.failure].word;
        }
    }
}

uint32_t WordFinder::child(uint32_t node, uint8_t label) const {
    if (node == 0) return root_children_[label];
    uint32_t low = nodes_[node].children_begin, high = nodes_[node].children_end;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (nodes_[middle].label < label) low = middle + 1;
        else high = middle;
    }
    return low < nodes_[node].children_end && nodes_[low].label == label ? low : 0;
}

uint32_t WordFinder::step(uint32_t node, uint8_t label) const {
    for (;; node = nodes_[node].failure) {
        if (const uint32_t next = child(node, label)) return next;
        if (node == 0) return 0;
    }
}

void WordFinder::find(std::string_view text, std::vector<Match>& matches) const {
    matches.clear();
    if (empty()) return;
    uint32_t node = 0;
    for (size_t at = text.size(); at-- > 0;) {
        node = step(node, uint8_t(text[at]));
        if (node != 0 && nodes_[node].word != no_word)
            matches.push_back({at, nodes_[node].word, lengths_[nodes_[node].word]});
    }
    std::reverse(matches.begin(), matches.end());
    size_t kept = 0, end = 0;
    for (const Match& match : matches) {
        if (match.begin < end) continue;
        end = match.begin + match.length;
        matches[kept++] = match;
    }
    matches.resize(kept);
}

}  // namespace gradus
