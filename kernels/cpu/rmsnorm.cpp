// RMSNorm, alone and after a residual add.
#include <cmath>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/norm.h"
#include "kernels/rmsnorm.h"

namespace gradus::cpu {

namespace {

// Normalises x = a + b, or a if b is null; then x is null too.
template <class Scalar>
void forward(const Tensor& out, const Scalar* a, const Scalar* b, Scalar* x, const Tensor& gain, const Tensor& rstds,
             double eps) {
    const int64_t N = out.rows(), C = out.last();
    const Scalar* scale = gain.as<Scalar>();
    parallel(N, norm_grain(C), [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) {
            const Scalar* row = residual_sum(x ? x + n * C : nullptr, a + n * C, b ? b + n * C : nullptr, C);
            Scalar* y = out.as<Scalar>() + n * C;
            const float square = total(C, [&](int64_t c, auto lanes) {
                const Floats v = load(row + c, lanes);
                return v * v;
            });
            const float rstd = 1 / std::sqrt(square / float(C) + float(eps));
            sweep(C, [&](int64_t c, auto lanes) {
                store(y + c, load(row + c, lanes) * rstd * load(scale + c, lanes), lanes);
            });
            rstds.as<float>()[n] = rstd;
        }
    });
}

template <class Scalar>
void backward(const RmsNormBackward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar* gain = a.gain.as<Scalar>();
    float* const totals[] = {a.d_gain.as<float>()};
    by_chunks(N, C, 1, totals, [&](int64_t first, int64_t last, float* d_gain) {
        for (int64_t n = first; n < last; ++n) {
            const Scalar *x = a.x.as<Scalar>() + n * C, *d_y = a.d_y.as<Scalar>() + n * C;
            const Scalar* d_residual = a.d_residual ? a.d_residual.as<Scalar>() + n * C : nullptr;
            Scalar* d_x = a.d_x.as<Scalar>() + n * C;
            const float rstd = a.rstd.as<float>()[n];

            Floats g_normed_sums = {};
            sweep(C, [&](int64_t c, auto lanes) {
                const Floats d_normed = load(d_y + c, lanes) * (load(x + c, lanes) * rstd);
                store(d_gain + c, load(d_gain + c, lanes) + d_normed, lanes);
                g_normed_sums += d_normed * load(gain + c, lanes);
            });
            const float mean_g_normed = sum(g_normed_sums) / float(C);
            sweep(C, [&](int64_t c, auto lanes) {
                const Floats normed = load(x + c, lanes) * rstd, g = load(d_y + c, lanes) * load(gain + c, lanes);
                const Floats d = (g - normed * mean_g_normed) * rstd;
                store(d_x + c, d_residual ? d + load(d_residual + c, lanes) : d, lanes);
            });
        }
    });
}

}  // namespace

void rmsnorm_forward(const RmsNormForward& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        forward<Scalar>(a.y, a.x.as<Scalar>(), nullptr, nullptr, a.gain, a.rstd, a.eps);
    });
}

void add_rmsnorm_forward(const AddRmsNormForward& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        forward<Scalar>(a.y, a.a.as<Scalar>(), a.b.as<Scalar>(), a.x.as<Scalar>(), a.gain, a.rstd, a.eps);
    });
}

void rmsnorm_backward(const RmsNormBackward& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { backward<decltype(kind)>(a); });
}

}  // namespace gradus::cpu
