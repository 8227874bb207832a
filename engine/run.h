#pragma once
// What every layer function needs in order to run. Passed by const reference, stored by the model alone.
#include "engine/comm.h"
#include "engine/models/config.h"
#include "kernels/ops.h"

namespace gradus {

// Sizes on this rank. H, G and F are already divided by the ranks of tp; nothing below this line divides again.
struct Dims {
    int B, T, L, C, H, G, D, F, V;

    int N() const { return B * T; }
    int query_width() const { return H * D; }
    int qkv_width() const { return (H + 2 * G) * D; }
};

inline Dims dims_of(const ModelConfig& m, int B, int T, int tp = 1) {
    return {B, T, m.L, m.C, m.H / tp, m.G / tp, m.D, m.F / tp, m.V};
}

struct Run {
    const Ops& ops;
    Dims d;
    ModelConfig model;
    DType dtype;
    Comm tp = {};
    Stream stream = {};

    DType accumulator() const { return accumulator_of(dtype); }
};

}  // namespace gradus
