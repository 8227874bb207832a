#include "engine/layers/head.h"

#include <algorithm>

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

int HeadScratch::chunk_rows(const Run& r) {
    const int64_t of_64_mib = (int64_t(64) << 20) / int64_t(size_of(r.dtype)) / r.d.V;
    const int64_t most = r.ops.logit_rows ? r.ops.logit_rows : std::max<int64_t>(of_64_mib, 32);
    const int64_t wanted = std::min<int64_t>(most, r.d.N());
    const int64_t chunks = (r.d.N() + wanted - 1) / wanted;  // of equal size, so that no small one is left over
    return int((r.d.N() + chunks - 1) / chunks);
}

namespace {

void walk(const Run& r, const LossConfig& c, Tensor w, Tensor d_w, HeadScratch& k, Tensor losses, Tensor d_x, Tensor x,
          Tensor targets, double scale, bool backward) {
    const auto& [ops, d, m, dtype, tp, s] = r;
    const int64_t chunk = k.logits.rows(), V = m.V, vocab_offset = r.vocab_offset();
    w = w.slice(0, r.vocab_rows());
    if (backward) d_w = d_w.slice(0, r.vocab_rows());
    for (int64_t first = 0; first < x.rows(); first += chunk) {
        const int64_t n = std::min(chunk, x.rows() - first);
        auto rows = [&](Tensor t) { return t.part(first, n); };
        const Tensor logits = k.logits.slice(0, n), stats = k.stats.slice(0, n);
        const Tensor lse = k.lse.part(0, n);
        const Tensor target = rows(targets), x_n = x.slice(first, n);

        /*1*/ ops.linear_forward({.y = logits, .x = x_n, .w = w}, s);
        /*2*/ ops.cross_entropy_stats({.stats = stats, .logits = logits, .targets = target, .vocab_offset = vocab_offset}, s);
              if (tp.size > 1) {
                  const Tensor gathered_stats = k.gathered_stats.slice(0, tp.size * n);
                  tp.all_gather(gathered_stats, stats, s);
                  ops.cross_entropy_join({.stats = stats, .parts = gathered_stats}, s);
              }
        /*3*/ ops.cross_entropy_forward({.loss = rows(losses), .lse = lse, .stats = stats, .targets = target, .V = V,
                                         .smoothing = c.smoothing, .z_loss = c.z_loss}, s);
        if (!backward) continue;
        /*3*/ ops.cross_entropy_backward({.logits = logits, .lse = lse, .targets = target, .V = V, .vocab_offset = vocab_offset,
                                          .scale = scale, .smoothing = c.smoothing, .z_loss = c.z_loss}, s);
        /*1*/ ops.linear_backward_input({.d_x = d_x.slice(first, n), .d_y = logits, .w = w}, s);
              ops.linear_backward_weight({.d_w = d_w, .d_y = logits, .x = x_n}, s);
    }
}

}  // namespace

void head_loss(const Run& r, const LossConfig& c, Tensor w, HeadScratch& k, Tensor losses, Tensor x, Tensor targets) {
    walk(r, c, w, {}, k, losses, {}, x, targets, 0, false);
}

void head_loss_and_backward(const Run& r, const LossConfig& c, Tensor w, Tensor d_w, HeadScratch& k, Tensor losses,
                            Tensor d_x, Tensor x, Tensor targets, double scale) {
    walk(r, c, w, d_w, k, losses, d_x, x, targets, scale, true);
}

}  // namespace gradus
