// AdamW, naive: a launch for each range, with one thread per weight. The accesses are coalesced, but a thread waits for four loads of 4
// bytes each, and for stochastic rounding it computes four random words to use half of one.
#include "engine/base/philox.h"
#include "kernels/cuda/ladder/adamw/adamw.h"
#include "kernels/cuda/rounding.h"

namespace gradus::DEVICE::adamw_ladder {

namespace {

__device__ uint32_t random_word(uint64_t key, uint64_t index) {
    const auto words = Philox{key}.words(index / 4);
    const uint32_t low = index & 1 ? words[1] : words[0], high = index & 1 ? words[3] : words[2];
    return index & 2 ? high : low;
}

__global__ void naive_kernel(Range r) {
    const int64_t i = element();
    if (i >= r.count) return;
    r.update(r.master[i], r.m[i], r.v[i], r.grad[i]);
    if (!r.param) return;
    const uint64_t key = r.step_values->rounding_key;
    if (key) r.param[i] = stochastically_rounded(r.master[i], random_word(key, r.index + uint64_t(i)));
    else r.param[i] = bf16(r.master[i]);
}

}  // namespace

void naive_range(const Range& r, Stream s) { launch_elements(naive_kernel, r.count, s, r); }

void naive(const AdamW& a, Stream s) {
    each_range(a, [&](const AdamWRange& r) { naive_range(range_of(a, r), s); });
}

}  // namespace gradus::DEVICE::adamw_ladder
