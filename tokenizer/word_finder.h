#pragma once
// Finds words of a list in a text, without overlaps: the leftmost, and of those that begin there the longest.
//
// An automaton of Aho and Corasick for the reversed words reads the text backwards, so that at each position it knows the longest word that
// begins there. The time is linear in the text whatever the words are, and the memory linear in the words.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

class WordFinder {
public:
    WordFinder() = default;  // of no words
    // Empty words are never found; of equal words the first is. Error: more than 2^31 bytes of words.
    explicit WordFinder(const std::vector<std::string_view>& words);

    bool empty() const { return nodes_.size() <= 1; }

    struct Match {
        size_t begin;
        uint32_t word, length;
    };
    // Writes the matches over `matches`, in order.
    void find(std::string_view text, std::vector<Match>& matches) const;

private:
    struct Node {
        uint32_t children_begin = 0, children_end = 0;  // in nodes_, by ascending label
        uint32_t failure = 0;                           // the node of its longest proper suffix
        uint32_t word = no_word;                        // the longest word that it ends with
        uint8_t label = 0;
    };
    static constexpr uint32_t no_word = ~uint32_t(0);

    uint32_t child(uint32_t node, uint8_t label) const;  // 0 if there is none
    uint32_t step(uint32_t node, uint8_t label) const;
    void link();

    std::vector<Node> nodes_;  // by depth; the first is the root
    std::array<uint32_t, 256> root_children_{};
    std::vector<uint32_t> lengths_;
};

}  // namespace gradus
