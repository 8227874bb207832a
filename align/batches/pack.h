#pragma once
// Sequences into micro-batches of B rows and T ids: several sequences share a row, each a document of its own that attends to itself
// alone and counts its positions from 0. So no id is padding but at the ends of rows, and a result does not depend on
// neighbours.
//
// Sequences of one group stay in one micro-batch, since their gradients depend on each other: the two answers of a preference,
// the K answers of a ranking.
#include <span>
#include <vector>

#include "align/batches/sequence.h"
#include "engine/batch.h"

namespace gradus {

struct Placed {
    int sequence;    // its index
    int row, first;  // where its first id is: token `first` of that row
};
using MicroBatch = std::vector<Placed>;

using Groups = std::vector<std::vector<int>>;  // indices of sequences

// Groups are taken in their order, so the micro-batches follow from the lengths alone. Error for a sequence longer than T, or a
// group that does not fit into B rows.
std::vector<MicroBatch> pack(const Sequences&, const Groups&, int B, int T);
// Groups of one, of all sequences or of those.
std::vector<MicroBatch> pack(const Sequences&, int B, int T);
std::vector<MicroBatch> pack(const Sequences&, std::span<const int> indices, int B, int T);

// Row t predicts the id at t + 1 where that is learnt.
void fill(HostBatch&, const MicroBatch&, const Sequences&);

}  // namespace gradus
