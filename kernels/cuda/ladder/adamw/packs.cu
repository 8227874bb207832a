// AdamW in packs: a thread updates four weights, so it waits for 64 bytes at once, and one call of Philox gives the random words of all
// four. Still one launch per range: a range of a bias is a few hundred weights, and while its launch runs, most of the GPU is idle. A
// range that is not aligned takes the rung before.
#include "engine/base/philox.h"
#include "kernels/cuda/ladder/adamw/adamw.h"
#include "kernels/cuda/rounding.h"

namespace gradus::DEVICE::adamw_ladder {

namespace {

constexpr int at_once = Pack<float>::size;

__global__ void packs_kernel(Range r) {
    const int64_t i = element() * at_once;
    if (i >= r.count) return;
    Pack<float> w = load_pack(r.master + i), m = load_pack(r.m + i), v = load_pack(r.v + i);
    const Pack<float> grad = load_pack(r.grad + i);
#pragma unroll
    for (int k = 0; k < at_once; ++k) r.update(w[k], m[k], v[k], grad[k]);
    store_pack(r.master + i, w);
    store_pack(r.m + i, m);
    store_pack(r.v + i, v);
    if (!r.param) return;
    const uint64_t key = r.step_values->rounding_key;
    const auto words = Philox{key}.words((r.index + uint64_t(i)) / 4);
#pragma unroll
    for (int k = 0; k < at_once; ++k)
        r.param[i + k] = key ? stochastically_rounded(w[k], words[size_t(k)]) : bf16(w[k]);
}

bool aligned(const Range& r) {
    const auto first = [](const void* p) { return reinterpret_cast<uintptr_t>(p); };
    return (first(r.master) | first(r.m) | first(r.v) | first(r.grad)) % 16 == 0 && r.index % at_once == 0 &&
           r.count % at_once == 0;
}

}  // namespace

void packs(const AdamW& a, Stream s) {
    each_range(a, [&](const AdamWRange& r) {
        const Range range = range_of(a, r);
        if (aligned(range)) launch_elements(packs_kernel, r.count / at_once, s, range);
        else naive_range(range, s);
    });
}

}  // namespace gradus::DEVICE::adamw_ladder
