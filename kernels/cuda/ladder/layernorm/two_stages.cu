// The sums over columns in two stages: the rows are split, so that there are enough blocks for the whole GPU, and a second kernel adds
// the partial sums of the splits, in order. d_y and x are still read twice, because d_x has its own kernel. Rows that are no whole packs
// go to the shipped kernel.
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/ladder/layernorm/layernorm.h"

namespace gradus::DEVICE::layernorm_ladder {

namespace {

template <class Scalar>
struct Terms {
    static constexpr int sums = 2, width = vector_width<Scalar>;
    const Scalar *d_y, *x;
    const float *mean, *rstd;
    int64_t C;

    __device__ void add(float (&to)[sums][width], int64_t n, int64_t c) const {
        const auto d = load_part<width>(d_y + n * C + c), value = load_part<width>(x + n * C + c);
        for (int i = 0; i < width; ++i) {
            to[0][i] += d[i] * ((value[i] - mean[n]) * rstd[n]);
            to[1][i] += d[i];
        }
    }
};

}  // namespace

void two_stages(const LayerNormBackward& a, Stream s) {
    if (!vectors_fit({a.x, a.d_y})) return layernorm_backward(a, s);
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Terms<Scalar> terms = {a.d_y.as<Scalar>(), a.x.as<Scalar>(), a.mean.as<float>(), a.rstd.as<float>(),
                                     a.x.last()};
        launch_column_sums(a.d_gain.as<float>(), a.d_bias.as<float>(), terms, a.x.rows(), a.x.last(), s);
    });
    input_gradient(a, s);  // may overwrite d_y
}

}  // namespace gradus::DEVICE::layernorm_ladder
