#pragma once
// Texts as the trainers of align/ see them: ids, and which of them the model is trained or scored on.
//
// The mask is a byte for each id, made where the text is made. It is never derived from ids: an end of turn that is trained
// and padding with the same id would look alike.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradus {

struct Sequence {
    std::vector<int32_t> ids;
    std::vector<uint8_t> learnt;  // of each id, 1: the model is to produce it. Never the first: nothing predicts it

    int size() const { return int(ids.size()); }
};

// Many of them, one after the other, as align/sequences.h has them. What is computed of them is a number for each id, a row: what
// belongs to predicting an id (its log-probability, its advantage) stands at that id, and is 0 where it is not learnt.
struct Sequences {
    std::vector<int32_t> ids;
    std::vector<uint8_t> learnt;
    std::vector<int64_t> lengths, first;  // of each: its ids, and the row of its first one

    void add(const Sequence& s) {
        first.push_back(rows());
        lengths.push_back(s.size());
        ids.insert(ids.end(), s.ids.begin(), s.ids.end());
        learnt.insert(learnt.end(), s.learnt.begin(), s.learnt.end());
    }
    int count() const { return int(lengths.size()); }
    int64_t rows() const { return int64_t(ids.size()); }
    std::vector<double> zeros() const { return std::vector<double>(ids.size(), 0.0); }
    int64_t last_row(int sequence) const { return first[std::size_t(sequence)] + lengths[std::size_t(sequence)] - 1; }
};

inline Sequences joined(const std::vector<Sequence>& all) {
    Sequences s;
    for (const Sequence& one : all) s.add(one);
    return s;
}

}  // namespace gradus
