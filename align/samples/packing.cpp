#include "align/samples/packing.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "engine/base/error.h"

namespace gradus {

std::vector<std::vector<int32_t>> pack_best_fit(std::span<const int32_t> lengths, int context) {
    std::vector<int32_t> order(lengths.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return lengths[size_t(a)] > lengths[size_t(b)]; });

    std::vector<std::vector<int32_t>> rows;
    std::vector<std::vector<int32_t>> rows_with_room(size_t(context) + 1);  // by the room that is left
    std::set<int32_t> rooms;                                                // that some row has
    for (const int32_t i : order) {
        const int32_t length = lengths[size_t(i)];
        CHECK(length > 0 && length <= context);
        const auto best = rooms.lower_bound(length);
        int32_t row = int32_t(rows.size()), room = context;
        if (best == rooms.end()) {
            rows.emplace_back();
        } else {
            room = *best;
            row = rows_with_room[size_t(room)].back();
            rows_with_room[size_t(room)].pop_back();
            if (rows_with_room[size_t(room)].empty()) rooms.erase(best);
        }
        rows[size_t(row)].push_back(i);
        rows_with_room[size_t(room - length)].push_back(row);
        rooms.insert(room - length);
    }
    return rows;
}

}  // namespace gradus
