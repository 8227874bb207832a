#pragma once
// Which tile of c a block of a matmul computes.
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

struct TilePlace {
    int m, n;  // in tiles
};

// Blocks that run at the same time should share operands in the L2 cache: tiles are numbered down groups of `group_rows` rows of
// tiles, column by column, and not along whole rows.
__host__ __device__ inline TilePlace place_of(int tile, int tiles_m, int tiles_n) {
    constexpr int group_rows = 8;
    const int group = tile / (group_rows * tiles_n), within = tile % (group_rows * tiles_n);
    const int rows = tiles_m - group * group_rows < group_rows ? tiles_m - group * group_rows : group_rows;
    return {group * group_rows + within % rows, within / rows};
}

}  // namespace gradus::DEVICE
