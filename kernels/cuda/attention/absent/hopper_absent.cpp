// Linked in CUDA builds without code for sm_90a in place of hopper_*.cu.
#include "kernels/attention.h"

namespace gradus::cuda {

bool fit_hopper(const AttentionForward&) { return false; }
void attention_forward_hopper(const AttentionForward&, Stream) { CHECK(false, "this build has no code for sm_90a"); }

}  // namespace gradus::cuda
