#include "engine/layers/feed_forward.h"

#include "kernels/activation.h"
#include "kernels/linear_activation.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

void feed_forward_forward(const Run& r, const FeedForwardWeights& w, Tensor up, Tensor activated, Tensor y, Tensor x) {
    const Ops& ops = r.ops;
    const ModelConfig& m = r.model;
    const Stream s = r.stream;
    if (m.gated) {
    /*1*/ ops.linear_forward({.y = up, .x = x, .w = w.up_w, .b = w.up_b}, s);
    /*2*/ ops.gated_forward({.y = activated, .x = up, .kind = m.activation}, s);
    } else {
    /*2*/ ops.linear_activation_forward({.y = activated, .pre = up, .x = x, .w = w.up_w, .b = w.up_b,
                                         .kind = m.activation}, s);
    }
    /*3*/ ops.linear_forward({.y = y, .x = activated, .w = w.down_w, .b = r.tp.rank == 0 ? Opt(w.down_b) : Opt()}, s);
}

void feed_forward_backward(const Run& r, const FeedForwardWeights& w, FeedForwardWeights& d_w, const FeedForwardActs& a,
                           FeedForwardScratch& k, Tensor d_x, Tensor d_y, Tensor x) {
    const Ops& ops = r.ops;
    const ModelConfig& m = r.model;
    const Stream s = r.stream;
    /*3*/ if (m.gated) ops.linear_backward_input({.d_x = k.d_activated, .d_y = d_y, .w = w.down_w}, s);
          else ops.linear_activation_backward({.d_pre = k.d_up, .d_y = d_y, .w = w.down_w, .pre = a.up,
                                               .kind = m.activation}, s);
          ops.linear_backward_weight({.d_w = d_w.down_w, .d_b = r.tp.rank == 0 ? Opt(d_w.down_b) : Opt(), .d_y = d_y,
                                      .x = a.activated, .overwrite = r.overwrite}, s);
    /*2*/ if (m.gated) ops.gated_backward({.d_x = k.d_up, .d_y = k.d_activated, .x = a.up, .kind = m.activation}, s);
    /*1*/ ops.linear_backward_input({.d_x = d_x, .d_y = k.d_up, .w = w.up_w}, s);
          ops.linear_backward_weight({.d_w = d_w.up_w, .d_b = d_w.up_b, .d_y = k.d_up, .x = x,
                                      .overwrite = r.overwrite}, s);
}

}  // namespace gradus
