#include "tests/comm_nccl/device/queued_ops.h"

#include "kernels/every_op.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/stream.h"

namespace gradus {

namespace {

template <auto entry, class Args>
Op<Args> queued(Op<Args> Ops::*) {
    return [](const Args& args, Stream s) {
        simt::enqueue(s, [args] {
            (cpu_ops().*entry)(args, {});
            return true;
        });
    };
}

template <auto... entries>
void queue_all(Ops& table) {
    ((table.*entries = queued<entries>(entries)), ...);
}

}  // namespace

const Ops& queued_ops() {
    static const Ops table = [] {
        Ops t = {.name = "queued cpu",
                 .allocate = simt::allocate,
                 .release = simt::release,
                 .allocate_host = simt::allocate_host,
                 .release_host = simt::release_host,
                 .memory = simt::memory,
                 .zero = simt::zero,
                 .copy_to_device = simt::copy_to_device,
                 .copy_to_host = simt::copy_to_host,
                 .copy = simt::copy,
                 .synchronise = simt::synchronise,
                 .compute_stream = simt::compute_stream,
                 .make_stream = simt::make_stream,
                 .release_stream = simt::release_stream,
                 .make_event = simt::make_event,
                 .make_timed_event = simt::make_timed_event,
                 .release_event = simt::release_event,
                 .record = simt::record,
                 .wait = simt::wait,
                 .reached = simt::reached,
                 .seconds_between = simt::seconds_between};
        queue_all<&Ops::embedding_forward, &Ops::embedding_backward, &Ops::layernorm_forward,
                  &Ops::add_layernorm_forward, &Ops::layernorm_backward, &Ops::rmsnorm_forward,
                  &Ops::add_rmsnorm_forward, &Ops::rmsnorm_backward, &Ops::linear_forward, &Ops::linear_backward_input,
                  &Ops::linear_backward_weight, &Ops::linear_activation_forward, &Ops::linear_activation_backward,
                  &Ops::row_dot_forward, &Ops::row_dot_backward, &Ops::rope_forward, &Ops::rope_backward,
                  &Ops::qk_norm_rope_forward, &Ops::qk_norm_rope_backward, &Ops::attention_forward,
                  &Ops::attention_backward, &Ops::attention_cached, &Ops::activation_forward, &Ops::activation_backward,
                  &Ops::gated_forward, &Ops::gated_backward, &Ops::dropout, &Ops::add_dropout, &Ops::add_noise,
                  &Ops::cross_entropy_stats, &Ops::cross_entropy_join, &Ops::cross_entropy_forward,
                  &Ops::cross_entropy_backward, &Ops::cross_entropy, &Ops::sample, &Ops::add, &Ops::cast,
                  &Ops::square_sum, &Ops::clip_scale, &Ops::adamw, &Ops::average, &Ops::muon>(t);
        return t;
    }();
    return table;
}

}  // namespace gradus
