#pragma once
// What tiled attention kernels ask for, by their tiles.
#include "tools/bench/model/estimate.h"

namespace gradus {

struct AttentionShape {
    double B, H, G, S, D;
    bool causal;
    double score_elements() const { return B * H * S * S * (causal ? 0.5 : 1); }
    double forward_flops() const { return 4 * score_elements() * D; }  // as all projects count
    double backward_flops() const { return 2.5 * forward_flops(); }
};

struct AttentionTile {
    double rows, columns;  // queries and keys of a tile
    int threads, registers;
    double stages;  // of K and V in shared memory
    bool wgmma;
};

// One block per tile of queries walks over the tiles of keys.
KernelWork attention_forward(const AttentionShape&, const AttentionTile&);
// One block per tile of keys walks over the tiles of queries, and adds to d_q in global memory: five matmuls.
KernelWork attention_backward(const AttentionShape&, const AttentionTile&);

}  // namespace gradus
