// Attention forward, first rung: a thread per query.
//
// Plan. A thread loops over the keys of its query with online softmax: it keeps the largest score so far, and rescales its sums when a
// larger one comes. The D sums of y are in shared memory, an array of the block's threads for each channel.
//
// Neighbouring threads read rows that lie H·D elements apart, and every thread reads every key and value by itself.
#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/ladder/attention/rungs.h"

namespace gradus::DEVICE {

namespace {

constexpr int threads = 32;
constexpr int widest = 256;

template <class Scalar, class Score>
__global__ void thread_per_query_kernel(HeadRows<Scalar> y, float* lse, HeadRows<const Scalar> q,
                                        HeadRows<const Scalar> k, HeadRows<const Scalar> v, const int32_t* lo,
                                        const int32_t* hi, HeadSizes of, float scale, Score score_function) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, h, t] = row_index(element(), of.H, of.Tq);
    if (b >= of.B) return;
    const auto [first, last] = interval_of(lo, hi, b, t, of);
    const QueryScore<Score> score = {score_function, b, h, t};
    const int64_t g = of.group(h);
    const auto sum = [&](int64_t d) -> float& { return shared[d * threads + threadIdx.x]; };

    float max = std::numeric_limits<float>::lowest(), sum_exp = 0;
    for (int64_t d = 0; d < of.D; ++d) sum(d) = 0;
    for (int64_t u = first; u < last; ++u) {
        float s = 0;
        for (int64_t d = 0; d < of.D; ++d) s += float(q.at(b, t, h)[d]) * float(k.at(b, u, g)[d]);
        s = score(scale * s, u);
        const float higher = fmaxf(max, s), rescale = expf(max - higher), p = expf(s - higher);
        max = higher;
        sum_exp = sum_exp * rescale + p;
        for (int64_t d = 0; d < of.D; ++d) sum(d) = sum(d) * rescale + p * float(v.at(b, u, g)[d]);
    }
    for (int64_t d = 0; d < of.D; ++d) y.at(b, t, h)[d] = Scalar(sum_exp == 0 ? 0.f : sum(d) / sum_exp);
    lse[element()] = max + logf(sum_exp);
}

}  // namespace

void attention_thread_per_query(const AttentionForward& a, Stream s) {
    if (a.D > widest) return attention_forward(a, s);
    if (a.lse.size() == 0) return;
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_score(a.score, [&](auto score) {
            launch(thread_per_query_kernel<Scalar, decltype(score)>, blocks_for(a.lse.size(), threads), dim3(threads),
                   size_t(a.D) * threads * sizeof(float), s, heads_of<Scalar>(a.y, a.Tq, a.D), a.lse.as<float>(),
                   heads_of<const Scalar>(a.q, a.Tq, a.D), heads_of<const Scalar>(a.k, a.Tk, a.D),
                   heads_of<const Scalar>(a.v, a.Tk, a.D), a.lo.as<int32_t>(), a.hi.as<int32_t>(),
                   HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D}, float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
