// Attention with a cache on a GPU: the choice of the kernel.
#include "kernels/cuda/decoding/decoding.h"

#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

void attention_cached(const AttentionCached& a, Stream s) {
    if (a.q.rows() == 0) return;
    write_cache(a, s);
    const bool fits = a.D <= widest_head<bf16> && heads_fit_packs(a.D, {a.y, a.q, a.k_cache, a.v_cache});
    if (fits && a.q.dtype == DType::bf16) attention_cached_tiles(a, s);
    else if (fits && a.q.dtype == DType::f32) attention_cached_packs(a, s);
    else attention_cached_any_width(a, s);
}

}  // namespace gradus::DEVICE
