#pragma once
// The rungs of LayerNorm, in the order of the ladder. Formulas: kernels/layernorm.h. Page: docs/kernels/layernorm.md.
#include "kernels/cuda/common.h"
#include "kernels/layernorm.h"

namespace gradus::DEVICE::layernorm_ladder {

// y, mean and rstd of a matrix
void naive(const LayerNormForward&, Stream);
void warp_per_row(const LayerNormForward&, Stream);
void packs(const LayerNormForward&, Stream);
void registers(const LayerNormForward&, Stream);

// d_x, d_gain and d_bias
void columns(const LayerNormBackward&, Stream);
void two_stages(const LayerNormBackward&, Stream);

// ---- for the rungs ---------------------------------------------------------------------------------------------

template <class Scalar>
struct Rows {
    Scalar* y;
    float *mean, *rstd;
    const Scalar *x, *gain, *bias;  // bias: null if there is none
    int64_t N, C;
    float eps;
};

template <class Scalar>
Rows<Scalar> rows_of(const LayerNormForward& a) {
    return {a.y.as<Scalar>(),    a.mean.as<float>(), a.rstd.as<float>(), a.x.as<Scalar>(), a.gain.as<Scalar>(),
            a.bias.as<Scalar>(), a.x.rows(),         a.x.last(),         float(a.eps)};
}

// d_x alone, with one warp per row: no rung of its own.
void input_gradient(const LayerNormBackward&, Stream);

}  // namespace gradus::DEVICE::layernorm_ladder
