// LayerNorm, alone and after a residual add.
#include <cmath>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/norm.h"
#include "kernels/layernorm.h"

namespace gradus::cpu {

namespace {

// Normalises x = a + b, or a if b is null; then x is null too.
template <class Scalar>
void forward(const Tensor& out, const Scalar* a, const Scalar* b, Scalar* x, const Tensor& gain, const Tensor& bias,
             const Tensor& means, const Tensor& rstds, double eps) {
    const int64_t N = out.rows(), C = out.last();
    const Scalar *scale = gain.as<Scalar>(), *shift = bias.as<Scalar>();
    parallel(N, norm_grain(C), [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) {
            const Scalar* row = residual_sum(x ? x + n * C : nullptr, a + n * C, b ? b + n * C : nullptr, C);
            Scalar* y = out.as<Scalar>() + n * C;
            const float mean = total(C, [&](int64_t c, auto lanes) { return load(row + c, lanes); }) / float(C);
            const float square = total(C, [&](int64_t c, auto lanes) {
                const Floats d = load(row + c, lanes, mean) - mean;
                return d * d;
            });
            const float rstd = 1 / std::sqrt(square / float(C) + float(eps));
            sweep(C, [&](int64_t c, auto lanes) {
                const Floats normed = (load(row + c, lanes) - mean) * rstd, scaled = normed * load(scale + c, lanes);
                store(y + c, shift ? scaled + load(shift + c, lanes) : scaled, lanes);
            });
            means.as<float>()[n] = mean;
            rstds.as<float>()[n] = rstd;
        }
    });
}

template <class Scalar>
void backward(const LayerNormBackward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar* gain = a.gain.as<Scalar>();
    float* const totals[] = {a.d_gain.as<float>(), a.d_bias.as<float>()};
    by_chunks(N, C, 2, totals, [&](int64_t first, int64_t last, float* partial) {
        float *d_gain = partial, *d_bias = partial + C;
        for (int64_t n = first; n < last; ++n) {
            const Scalar *x = a.x.as<Scalar>() + n * C, *d_y = a.d_y.as<Scalar>() + n * C;
            const Scalar* d_residual = a.d_residual ? a.d_residual.as<Scalar>() + n * C : nullptr;
            Scalar* d_x = a.d_x.as<Scalar>() + n * C;
            const float mean = a.mean.as<float>()[n], rstd = a.rstd.as<float>()[n];

            Floats g_sums = {}, g_normed_sums = {};
            sweep(C, [&](int64_t c, auto lanes) {
                const Floats d = load(d_y + c, lanes), normed = (load(x + c, lanes, mean) - mean) * rstd;
                store(d_bias + c, load(d_bias + c, lanes) + d, lanes);
                store(d_gain + c, load(d_gain + c, lanes) + d * normed, lanes);
                const Floats g = d * load(gain + c, lanes);
                g_sums += g;
                g_normed_sums += g * normed;
            });
            const float mean_g = sum(g_sums) / float(C), mean_g_normed = sum(g_normed_sums) / float(C);
            sweep(C, [&](int64_t c, auto lanes) {
                const Floats normed = (load(x + c, lanes) - mean) * rstd;
                const Floats g = load(d_y + c, lanes) * load(gain + c, lanes);
                const Floats d = (g - mean_g - normed * mean_g_normed) * rstd;
                store(d_x + c, d_residual ? d + load(d_residual + c, lanes) : d, lanes);
            });
        }
    });
}

}  // namespace

void layernorm_forward(const LayerNormForward& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        forward<Scalar>(a.y, a.x.as<Scalar>(), nullptr, nullptr, a.gain, a.bias, a.mean, a.rstd, a.eps);
    });
}

void add_layernorm_forward(const AddLayerNormForward& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        forward<Scalar>(a.y, a.a.as<Scalar>(), a.b.as<Scalar>(), a.x.as<Scalar>(), a.gain, a.bias, a.mean, a.rstd,
                        a.eps);
    });
}

void layernorm_backward(const LayerNormBackward& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { backward<decltype(kind)>(a); });
}

}  // namespace gradus::cpu
