#include "engine/blocks/pre_norm.h"

#include "kernels/dropout.h"
#include "kernels/elementwise.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

namespace {

// Of own rows: the same elements fall whatever the number of ranks.
void drop(const Run& r, const Batch& batch, int layer, DropoutSite site, Tensor y, Tensor x) {
    r.ops.dropout({.y = y, .x = x, .p = batch.dropout.p, .key = r.step.dropout_key(layer, site),
                   .first_row = r.first_own_row(), .batch_row = batch.batch_row()}, r.stream);
}

// y = a + dropout(x)
void add_dropped(const Run& r, const Batch& batch, int layer, DropoutSite site, Tensor y, Tensor a, Tensor x) {
    r.ops.add_dropout({.y = y, .a = a, .x = x, .p = batch.dropout.p, .key = r.step.dropout_key(layer, site),
                       .first_row = r.first_own_row(), .batch_row = batch.batch_row()}, r.stream);
}

}  // namespace

// Read downwards. Steps are numbered so that backward can be checked against them.
void PreNorm::forward(const Run& r, int layer, const Weights& w, Acts& a, Scratch& k, const Batch& batch,
                   Tensor rope_table, Tensor y, Tensor x) {
    const bool drops = batch.dropout.p > 0;
    const Tensor branch = r.own(k.branch);
    /*1*/ norm_forward(r, w.norm1, a.norm1, r.own(a.normed1), x);
          r.tp.all_gather(a.normed1, r.own(a.normed1), r.stream);
    /*2*/ attention_forward(r, w.attention, a.attention, batch, rope_table, k.branch, a.normed1);
          r.tp.reduce_scatter(branch, k.branch, r.stream);  // each rank saw its own heads
    /*3*/ if (drops) add_dropped(r, batch, layer, after_attention, a.mid, x, branch);
    /*4*/ if (drops) norm_forward(r, w.norm2, a.norm2, r.own(a.normed2), a.mid);
          else add_norm_forward(r, w.norm2, a.norm2, r.own(a.normed2), a.mid, x, branch);  // mid = x + branch
          r.tp.all_gather(a.normed2, r.own(a.normed2), r.stream);
    /*5*/ feed_forward_forward(r, w.feed_forward, a.feed_forward.up, a.feed_forward.activated, k.branch, a.normed2);
          r.tp.reduce_scatter(branch, k.branch, r.stream);  // each rank saw its own columns of F
    /*6*/ if (drops) add_dropped(r, batch, layer, after_feed_forward, y, a.mid, branch);
    /*7*/ else r.ops.add({.y = y, .a = a.mid, .b = branch}, r.stream);
}

// The same steps, last to first. Weight gradients accumulate; gradients of activations are overwritten.
void PreNorm::backward(const Run& r, int layer, const Weights& w, Weights& d_w, const Acts& a,
                    Scratch& k, const Batch& batch, Tensor rope_table, Tensor d_x, Tensor d_y, Tensor x) {
    const bool drops = batch.dropout.p > 0;
    const Tensor d_normed = r.own(k.d_normed);
    Tensor d_branch = d_y;  // step 7: the gradient of a sum is the gradient of both its parts
    /*6*/ if (drops) drop(r, batch, layer, after_feed_forward, d_branch = r.own(k.branch), d_y);
          d_branch = r.gathered(d_branch, k.branch);
    /*5*/ feed_forward_backward(r, w.feed_forward, d_w.feed_forward, a.feed_forward, k.feed_forward, k.d_normed, d_branch,
                                a.normed2);
          r.tp.reduce_scatter(d_normed, k.d_normed, r.stream);  // the rows fed every rank
    /*4*/ norm_backward(r, w.norm2, d_w.norm2, a.norm2, k.d_mid, d_normed, a.mid, d_y);
    d_branch = k.d_mid;
    /*3*/ if (drops) drop(r, batch, layer, after_attention, d_branch = r.own(k.branch), k.d_mid);
          d_branch = r.gathered(d_branch, k.branch);
    /*2*/ attention_backward(r, w.attention, d_w.attention, a.attention, k.attention, batch, rope_table, k.d_normed, d_branch,
                             a.normed1);
          r.tp.reduce_scatter(d_normed, k.d_normed, r.stream);
    /*1*/ norm_backward(r, w.norm1, d_w.norm1, a.norm1, d_x, d_normed, x, k.d_mid);
}

// All rows on every rank: they are few.
void PreNorm::cached(const Run& r, const Weights& w, Acts& a, Scratch& k, Cache& cache,
                  const CachedRows& rows, Tensor rope_table, Tensor y, Tensor x) {
    /*1*/ norm_forward(r, w.norm1, a.norm1, a.normed1, x);
    /*2*/ attention_cached(r, w.attention, cache, rows, rope_table, k.branch, a.attention.qkv, a.attention.y, a.normed1);
          r.tp.sum(k.branch, r.stream);
    /*4*/ add_norm_forward(r, w.norm2, a.norm2, a.normed2, a.mid, x, k.branch);
    /*5*/ feed_forward_forward(r, w.feed_forward, a.feed_forward.up, a.feed_forward.activated, k.branch, a.normed2);
          r.tp.sum(k.branch, r.stream);
    /*7*/ r.ops.add({.y = y, .a = a.mid, .b = k.branch}, r.stream);
}

}  // namespace gradus
