#pragma once
// Texts as the trainers of align/ see them: ids, and which of them the model is trained or scored on.
//
// The mask is a byte for each id, made where the text is made. It is never derived from ids: an end of turn that is trained
// and padding with the same id would look alike.
#include <cstdint>
#include <vector>

namespace gradus {

struct Sequence {
    std::vector<int32_t> ids;
    std::vector<uint8_t> learnt;  // of each id, 1: the model is to produce it. Never the first: nothing predicts it

    int size() const { return int(ids.size()); }
};

// A number for each id of each sequence. What belongs to predicting id t (its log-probability, the value of the state before it)
// is found at t, whichever row of a batch computed it; entries of ids that are not learnt are 0.
using PerId = std::vector<std::vector<double>>;

// Zeros in the shape of the sequences.
inline PerId zeros_like(const std::vector<Sequence>& sequences) {
    PerId all;
    for (const Sequence& s : sequences) all.emplace_back(s.ids.size(), 0.0);
    return all;
}

}  // namespace gradus
