// RMSNorm of query and key heads, and their rotation. A head is computed in f32 in a buffer of its thread, and rounded once.
#include "kernels/qk_norm_rope.h"

#include <cmath>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/norm.h"
#include "kernels/cpu/rotation.h"

namespace gradus::cpu {

namespace {

template <class Args>
const float* pairs_of(const Args& a, int64_t n) {
    return a.rope_table.template as<float>() + a.positions.template as<int32_t>()[n] * a.rope_table.shape.dim[1] * 2;
}

// The heads of row n of q or of k.
template <class Scalar>
void forward(const QkNormRopeForward& a, const Tensor& y, const Tensor& x, const Tensor& gain, const Tensor& rstds,
             int64_t n, float* normed) {
    const int64_t D = gain.last(), heads = x.last() / D;
    for (int64_t h = 0; h < heads; ++h) {
        const Scalar* head = x.as<Scalar>() + n * x.stride() + h * D;
        const float square = total(D, [&](int64_t d, auto lanes) {
            const Floats v = load(head + d, lanes);
            return v * v;
        });
        const float rstd = 1 / std::sqrt(square / float(D) + float(a.eps));
        sweep(D, [&](int64_t d, auto lanes) {
            store(normed + d, load(head + d, lanes) * rstd * load(gain.as<Scalar>() + d, lanes), lanes);
        });
        rotate_heads(normed, 1, D, pairs_of(a, n), a.rope_table.shape.dim[1], a.layout, 1);
        Scalar* out = y.as<Scalar>() + n * y.stride() + h * D;
        sweep(D, [&](int64_t d, auto lanes) { store(out + d, load(normed + d, lanes), lanes); });
        rstds.as<float>()[n * heads + h] = rstd;
    }
}

template <class Scalar>
void backward(const QkNormRopeBackward& a, const Tensor& d_x, float* d_gain, const Tensor& d_y, const Tensor& x,
              const Tensor& gain, const Tensor& rstds, int64_t n, float* u) {
    const int64_t D = gain.last(), heads = x.last() / D;
    for (int64_t h = 0; h < heads; ++h) {
        const Scalar *head = x.as<Scalar>() + n * x.stride() + h * D, *d = d_y.as<Scalar>() + n * d_y.stride() + h * D,
                     *scale = gain.as<Scalar>();
        const float rstd = rstds.as<float>()[n * heads + h];
        sweep(D, [&](int64_t c, auto lanes) { store(u + c, load(d + c, lanes), lanes); });
        rotate_heads(u, 1, D, pairs_of(a, n), a.rope_table.shape.dim[1], a.layout, -1);

        Floats sums = {};
        sweep(D, [&](int64_t c, auto lanes) {
            const Floats product = load(u + c, lanes) * (load(head + c, lanes) * rstd);
            store(d_gain + c, load(d_gain + c, lanes) + product, lanes);
            sums += product * load(scale + c, lanes);
        });
        const float mean = sum(sums) / float(D);
        Scalar* out = d_x.as<Scalar>() + n * d_x.stride() + h * D;
        sweep(D, [&](int64_t c, auto lanes) {
            const Floats normed = load(head + c, lanes) * rstd, g = load(u + c, lanes) * load(scale + c, lanes);
            store(out + c, (g - normed * mean) * rstd, lanes);
        });
    }
}

float* head_buffer(int64_t D) {
    static thread_local Buffer buffer;
    return buffer.floats(size_t(D));
}

}  // namespace

void qk_norm_rope_forward(const QkNormRopeForward& a, Stream) {
    const int64_t N = a.q.rows(), D = a.q_gain.last();
    check_positions(a.positions, a.rope_table.shape.dim[0]);
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        parallel(N, norm_grain(a.q.last()), [&](int64_t first, int64_t last) {
            float* const normed = head_buffer(D);
            for (int64_t n = first; n < last; ++n) {
                forward<Scalar>(a, a.y_q, a.q, a.q_gain, a.q_rstd, n, normed);
                forward<Scalar>(a, a.y_k, a.k, a.k_gain, a.k_rstd, n, normed);
            }
        });
    });
}

void qk_norm_rope_backward(const QkNormRopeBackward& a, Stream) {
    const int64_t N = a.q.rows(), D = a.q_gain.last();
    check_positions(a.positions, a.rope_table.shape.dim[0]);
    float* const totals[] = {a.d_q_gain.as<float>(), a.d_k_gain.as<float>()};
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_chunks(N, D, 2, totals, [&](int64_t first, int64_t last, float* d_gain) {
            float* const u = head_buffer(D);
            for (int64_t n = first; n < last; ++n) {
                backward<Scalar>(a, a.d_q, d_gain, a.d_y_q, a.q, a.q_gain, a.q_rstd, n, u);
                backward<Scalar>(a, a.d_k, d_gain + D, a.d_y_k, a.k, a.k_gain, a.k_rstd, n, u);
            }
        });
    });
}

}  // namespace gradus::cpu
