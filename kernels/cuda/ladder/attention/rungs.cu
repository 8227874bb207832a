// The ladder of attention: the forward pass. The formula is in kernels/attention.h, the page is docs/kernels/attention.md.
#include "kernels/check.h"
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/ladder/attention/rungs.h"
#include "kernels/cuda/ladder/rungs.h"

namespace gradus::DEVICE {

namespace {

template <Op<AttentionForward> run>
Rung rung(const char* name, const char* idea) {
    Rung r = {.family = "attention",
              .name = name,
              .idea = idea,
              .capability = 80,
              .cases = "attention forward*",
              .table = table()};
    r.table.attention_forward = checked<AttentionForward, run>;
    return r;
}

}  // namespace

std::vector<Rung> attention_rungs() {
    return {
        rung<attention_thread_per_query>("thread_per_query", "online softmax, so that no row of scores is stored"),
        rung<attention_forward_any_width>("warp_per_query", "the lanes share the channels: coalesced accesses"),
        rung<attention_shared_tiles>("shared_tiles", "a tile of keys and values in shared memory serves 16 queries"),
        rung<attention_forward>("shipped",
                                "kernels/cuda/attention/: tensor cores, and the next tile copied meanwhile")};
}

}  // namespace gradus::DEVICE
