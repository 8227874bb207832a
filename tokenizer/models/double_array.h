#pragma once
// A set of byte strings with a number for each, as a trie in a double array: a step takes one load and one comparison.
//
// A unit of 8 bytes is a node. The child of a node for a byte is at base XOR byte, if the unit there has that byte as
// its label: every base belongs to one node, so the label alone identifies the parent.
// Source: Aoe 1989, "An efficient digital search algorithm by using a double-array structure"; the XOR is that of
// Yata's darts-clone.
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

class DoubleArray {
public:
    struct Entry {
        std::string_view key;
        int32_t value;  // 0 … 2^28 - 2
    };
    static constexpr uint32_t root = 0, no_node = UINT32_MAX;

    DoubleArray() : DoubleArray(std::vector<Entry>()) {}
    // Empty keys are ignored; of equal keys the last one counts. Error: more than 2^27 units, a vocabulary of about a
    // gigabyte.
    explicit DoubleArray(std::vector<Entry> entries);

    // The child of a node, or no_node.
    uint32_t step(uint32_t node, char byte) const {
        const uint32_t child = uint32_t(units_[node].base) ^ uint8_t(byte);
        return units_[child].label == uint8_t(byte) ? child : no_node;
    }
    // The node of a string that starts at `node`, or no_node.
    uint32_t walk(std::string_view text, uint32_t node = root) const;
    // The number of the string that ends at a node, or -1.
    int32_t value(uint32_t node) const { return int32_t(units_[node].value_plus_one) - 1; }
    int32_t find(std::string_view key) const;

private:
    static constexpr unsigned free_label = 256;
    struct Unit {
        uint64_t base : 27 = 0, label : 9 = free_label, value_plus_one : 28 = 0;  // base 0: a node without children
    };
    static_assert(sizeof(Unit) == 8);
    friend class DoubleArrayBuilder;

    std::vector<Unit> units_;  // a multiple of 256, so that base XOR byte is an index
};

}  // namespace gradus
