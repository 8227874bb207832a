// Linked in CUDA builds without code for sm_90a in place of hopper_*.cu, also of those of the ladder: its rung is the shipped kernel.
#include "kernels/attention.h"

namespace gradus::cuda {

void attention_forward(const AttentionForward&, Stream);

bool fit_hopper(const AttentionForward&) { return false; }
bool fit_hopper(const AttentionBackward&) { return false; }
void attention_forward_hopper(const AttentionForward&, Stream) { CHECK(false, "this build has no code for sm_90a"); }
void attention_query_gradient_hopper(const AttentionBackward&, Stream) {
    CHECK(false, "this build has no code for sm_90a");
}
void attention_key_gradients_hopper(const AttentionBackward&, Stream) {
    CHECK(false, "this build has no code for sm_90a");
}
void attention_hopper_pipeline(const AttentionForward& a, Stream s) { attention_forward(a, s); }

}  // namespace gradus::cuda
