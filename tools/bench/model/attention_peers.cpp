#include "tools/bench/model/attention_peers.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

constexpr double half = 2, single = 4;  // bytes
constexpr double mma_work = 2.0 * 16 * 8 * 16, ldmatrix_bytes = 512, wavefront = 128;
// Instructions of a thread for each score: scale and subtract, maximum, exponential, sum, half a conversion, and loop control. In
// the backward also dP - delta, the product with P, and another conversion.
constexpr double forward_score = 6, backward_score = 10;

// Tiles that the mask leaves.
double tile_count(const AttentionShape& s, double outer, double inner) {
    const double outer_tiles = std::ceil(s.S / outer), inner_tiles = std::ceil(s.S / inner);
    if (!s.causal) return s.B * s.H * outer_tiles * inner_tiles;
    double tiles = 0;
    for (double i = 0; i < outer_tiles; ++i) tiles += std::ceil(std::min(s.S, (i + 1) * outer) / inner);
    return s.B * s.H * tiles;
}

double matrix_bytes(const AttentionShape& s) { return half * s.B * s.S * s.D * (2 * s.H + 2 * s.G); }  // q, y, k, v

}  // namespace

KernelWork attention_forward(const AttentionShape& s, const AttentionTile& t) {
    const double tiles = tile_count(s, t.rows, t.columns), scores = tiles * t.rows * t.columns;
    const double keys = tiles * 2 * t.columns * s.D * half;  // bytes of K and V that arrive in shared memory
    KernelWork w;
    w.blocks = s.B * s.H * std::ceil(s.S / t.rows);
    w.threads = t.threads;
    w.registers = t.registers;
    w.shared_bytes = half * s.D * (t.rows + 2 * t.columns * t.stages);
    (t.wgmma ? w.wgmma_flops : w.mma_flops) = 4 * scores * s.D;
    w.special = scores;
    w.instructions = scores * forward_score / 32;
    w.l2_bytes = keys + matrix_bytes(s);
    w.dram_bytes = matrix_bytes(s);
    if (t.wgmma) return w;                      // its operands do not pass through registers
    const double read = keys * t.threads / 32;  // every warp reads all of K and V
    w.instructions += 4 * scores * s.D / mma_work + read / ldmatrix_bytes;
    w.wavefronts = (keys + read) / wavefront;
    return w;
}

KernelWork attention_backward(const AttentionShape& s, const AttentionTile& t) {
    const double tiles = tile_count(s, t.columns, t.rows), scores = tiles * t.rows * t.columns;
    const double queries = tiles * 2 * t.rows * s.D * half, d_q = tiles * t.rows * s.D * single;
    KernelWork w;
    w.blocks = s.B * s.H * std::ceil(s.S / t.columns);
    w.threads = t.threads;
    w.registers = t.registers;
    w.shared_bytes = half * (s.D * (2 * t.columns + 2 * t.rows * t.stages) + 2 * t.rows * t.columns);
    (t.wgmma ? w.wgmma_flops : w.mma_flops) = 10 * scores * s.D;
    w.special = scores;
    w.instructions = scores * backward_score / 32;
    w.l2_bytes = queries + 2 * d_q + 2 * matrix_bytes(s);
    w.dram_bytes = 2 * matrix_bytes(s) + single * s.B * s.H * s.S * s.D;
    // P and dS go through shared memory; d_q by additions to global memory, four bytes a lane or in bulk.
    w.wavefronts = (queries + 2 * half * scores + d_q) / wavefront;
    if (t.wgmma) return w;
    // Eight warps, four along one axis and two along the other: one operand of each of the five matmuls is read twice, the other
    // four times.
    const double operands = t.rows * s.D * 3 + t.columns * s.D * 3 + 4 * t.rows * t.columns;
    const double read = tiles * operands * half * 3;
    w.instructions += 10 * scores * s.D / mma_work + read / ldmatrix_bytes + d_q / wavefront;
    w.wavefronts += read / wavefront;
    return w;
}

}  // namespace gradus
