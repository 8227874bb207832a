// The ladder of matmuls: a linear's forward. The formula is in kernels/linear.h, the page is docs/kernels/matmul.md.
#include "kernels/check.h"
#include "kernels/cuda/ladder/matmul/linear.h"
#include "kernels/cuda/ladder/rungs.h"
#include "kernels/cuda/matmul/own.h"

namespace gradus::DEVICE {

void shipped_linear(const LinearForward& a, Stream s) {
    if (a.x.rows() == 0) return;
    const Matmul p = matmul_of(a);
    own_matmul(p, plan_of(p, on_tensor_cores(p) ? MatmulCores::mma : MatmulCores::cuda, s.workspace_bytes), s);
}

void hopper_linear(const LinearForward& a, Stream s) {
    if (a.x.rows() == 0) return;
    own_matmul(matmul_of(a), plan_of(matmul_of(a), s.workspace_bytes), s);
}

namespace {

template <Op<LinearForward> run>
Rung rung(const char* name, const char* idea, int capability = 80) {
    Rung r = {.family = "matmul",
              .name = name,
              .idea = idea,
              .capability = capability,
              .cases = "linear forward*",
              .table = table()};
    r.table.linear_forward = checked<LinearForward, run>;
    return r;
}

}  // namespace

std::vector<Rung> matmul_rungs() {
    return {
        rung<naive_linear>("naive", "a thread per element"),
        rung<coalesced_linear>("coalesced", "a warp per element, so that neighbouring lanes read neighbouring numbers"),
        rung<shared_linear>("shared", "squares of both operands in shared memory serve a block"),
        rung<register_tile_linear>("register_tile", "16 elements a thread: a number of shared memory serves 4 of them"),
        rung<vectorised_linear>("vectorised", "16 bytes a load, 64 elements a thread"),
        rung<async_copy_linear>("async_copy", "the next slice is copied while this one is multiplied"),
        rung<tensor_core_linear>("tensor_core", "the tensor cores multiply bf16"),
        rung<shipped_linear>("shipped",
                             "kernels/cuda/matmul/: swizzle, deeper pipeline, fragments ahead, wide stores, splits"),
        rung<wgmma_linear>("wgmma", "Hopper: a warpgroup multiplies tiles in shared memory", 90),
        rung<hopper_ring_linear>("hopper_ring", "a producer copies by tensor map, and the others only multiply", 90),
        rung<hopper_linear>("hopper",
                            "kernels/cuda/matmul/ on Hopper: larger tiles, several for each block, wide stores", 90)};
}

}  // namespace gradus::DEVICE
