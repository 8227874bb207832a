#include "align/batches/pack.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/base/error.h"

namespace gradus {

namespace {

// The row with the least room that is enough; −1: none is.
int best_row(const std::vector<int>& used, int length, int T) {
    int best = -1;
    for (int row = 0; row < int(used.size()); ++row)
        if (used[size_t(row)] + length <= T && (best < 0 || used[size_t(row)] > used[size_t(best)])) best = row;
    return best;
}

// Adds the group to the micro-batch; false, and nothing is changed, where it does not fit.
bool add_group(MicroBatch& batch, std::vector<int>& used, const Sequences& sequences, const std::vector<int>& group,
               int T) {
    const size_t before = batch.size();
    std::vector<int> then = used;
    for (const int s : group) {
        const int length = int(sequences.lengths[size_t(s)]), row = best_row(then, length, T);
        if (row < 0) {
            batch.resize(before);
            return false;
        }
        batch.push_back({s, row, then[size_t(row)]});
        then[size_t(row)] += length;
    }
    used = std::move(then);
    return true;
}

}  // namespace

std::vector<MicroBatch> pack(const Sequences& sequences, const Groups& groups, int B, int T) {
    std::vector<MicroBatch> batches(1);
    std::vector<int> used(size_t(B), 0);
    for (const std::vector<int>& group : groups) {
        for (const int s : group)
            if (sequences.lengths[size_t(s)] > T)
                throw Error("a text of " + std::to_string(sequences.lengths[size_t(s)]) + " tokens does not fit",
                            "a row of a batch has " + std::to_string(T),
                            "raise train.context, or shorten the texts when they are read");
        if (add_group(batches.back(), used, sequences, group, T)) continue;
        batches.emplace_back();
        used.assign(size_t(B), 0);
        if (!add_group(batches.back(), used, sequences, group, T))
            throw Error(std::to_string(group.size()) + " texts that belong together do not fit into a micro-batch",
                        "it has " + std::to_string(B) + " rows of " + std::to_string(T) + " tokens",
                        "raise train.micro_batch to " + std::to_string(group.size()));
    }
    return batches;
}

std::vector<MicroBatch> pack(const Sequences& sequences, std::span<const int> indices, int B, int T) {
    Groups groups;
    for (const int s : indices) groups.push_back({s});
    return pack(sequences, groups, B, T);
}

std::vector<MicroBatch> pack(const Sequences& sequences, int B, int T) {
    std::vector<int> all(size_t(sequences.count()));
    std::iota(all.begin(), all.end(), 0);
    return pack(sequences, all, B, T);
}

void fill(HostBatch& host, const MicroBatch& batch, const Sequences& sequences) {
    host.clear();
    std::vector<int> used(size_t(host.B), 0);
    for (const Placed& p : batch) {
        const int length = int(sequences.lengths[size_t(p.sequence)]);
        const auto first = size_t(sequences.first[size_t(p.sequence)]);
        CHECK(p.first + length <= host.T, "the batch was packed for other sizes");
        for (int t = 0; t < length; ++t) {
            const size_t at = size_t(p.row) * size_t(host.T) + size_t(p.first + t), id = first + size_t(t);
            host.tokens[at] = sequences.ids[id];
            host.positions[at] = t;
            host.first_key[at] = p.first;
            if (t + 1 < length && sequences.learnt[id + 1]) host.targets[at] = sequences.ids[id + 1];
        }
        used[size_t(p.row)] = std::max(used[size_t(p.row)], p.first + length);
    }
    for (int row = 0; row < host.B; ++row)  // the rest of a row is a document of padding
        for (int t = used[size_t(row)]; t < host.T; ++t) {
            const size_t at = size_t(row) * size_t(host.T) + size_t(t);
            host.positions[at] = t - used[size_t(row)];
            host.first_key[at] = used[size_t(row)];
        }
}

}  // namespace gradus
