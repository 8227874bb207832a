#include "engine/spec.h"

#include <algorithm>

namespace gradus {

std::vector<WeightSlice> slices_of(const Spec& whole, const Spec& here, int rank, int ranks) {
    const int64_t rows = here.shape.dim[0];
    if (here.split == Split::none) return {{0, rows, 0, 0, ranks}};
    if (here.split == Split::columns) return {{0, rows, 0, rank * here.shape.dim[1], 1}};
    std::vector<WeightSlice> slices;
    int64_t row = 0, logical = 0;
    for (size_t p = 0; p < here.parts.size(); ++p) {
        const bool alone = here.parts[0] == 0;
        const int64_t mine = alone ? rows : here.parts[p], all = alone ? whole.shape.dim[0] : whole.parts[p];
        if (mine == 0) break;
        // With fewer key/value heads than ranks, neighbours share one. If the rows are not divisible, the last rank has
        // padding.
        const int copies = int(std::max<int64_t>(1, mine * ranks / all));
        const bool repeated = !alone && copies > 1;
        const int64_t first = repeated ? rank / copies * mine : rank * mine;
        const int64_t count = std::clamp<int64_t>(all - first, 0, mine);
        if (count > 0) slices.push_back({row, count, logical + first, 0, repeated ? copies : 1});
        row += mine;
        logical += all;
        if (alone) break;
    }
    return slices;
}

}  // namespace gradus
