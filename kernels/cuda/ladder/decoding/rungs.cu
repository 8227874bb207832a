// The ladder of attention with a cache. The formulas are in kernels/attention.h. All of its kernels are in kernels/cuda/decoding/: the first
// is used where tensors do not fit the others, and the second is the shipped one without splits.
#include "kernels/check.h"
#include "kernels/cuda/decoding/decoding.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

namespace {

constexpr const char* cases = "attention with a cache*";

template <Op<AttentionCached> run>
Rung rung(const char* name, const char* idea) {
    Ops of_rung = table();
    of_rung.attention_cached = checked<AttentionCached, run>;
    return {"decoding", name, idea, 80, cases, of_rung};
}

void warp_per_head(const AttentionCached& a, Stream s) {
    if (a.q.rows() == 0) return;
    write_cache(a, s);
    attention_cached_any_width(a, s);
}

// Without a workspace there is nowhere to put the results of splits.
void group_per_block(const AttentionCached& a, Stream s) { attention_cached(a, {.handle = s.handle}); }

}  // namespace

std::vector<Rung> decoding_rungs() {
    return {
        rung<warp_per_head>("warp_per_head", "a warp for each row and query head"),
        rung<group_per_block>("group_per_block",
                              "all heads of a group in a block, which reads each key once, in copies ahead of use"),
        {"decoding", "shipped", "all SMs: splits of the keys, added in order by a second kernel", 80, cases, table()}};
}

}  // namespace gradus::DEVICE
