// Linked in CUDA builds without code for sm_90a in place of hopper_*.cu, also of those of the ladder: its rungs are the kernel for all
// cards.
#include "kernels/cuda/ladder/matmul/linear.h"
#include "kernels/cuda/matmul/task.h"

namespace gradus::cuda {

bool on_warpgroups(const Matmul&) { return false; }
void multiply_on_warpgroups(const MatmulTask&, const Matmul&, const MatmulPlan&, Stream) {
    CHECK(false, "this build has no code for sm_90a");
}
void wgmma_linear(const LinearForward& a, Stream s) { shipped_linear(a, s); }
void hopper_ring_linear(const LinearForward& a, Stream s) { shipped_linear(a, s); }

}  // namespace gradus::cuda
