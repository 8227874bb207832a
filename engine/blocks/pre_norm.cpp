#include "engine/blocks/pre_norm.h"

#include "engine/base/philox.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

namespace {

// Which branch of which layer a mask belongs to.
enum DropoutSite { after_attention = 1, after_feed_forward = 2 };

void drop(const Run& r, const Batch& batch, int layer, DropoutSite site, Tensor y, Tensor x) {
    const Dropping& drop = batch.dropping;
    r.ops.dropout({.y = y, .x = x, .p = drop.p, .key = key_of(drop.seed, drop.step, layer, site),
                   .first_row = drop.first_row}, r.stream);
}

}  // namespace

// Read downwards. Steps are numbered so that backward can be checked against them.
void block_forward(const Run& r, int layer, const BlockWeights& w, BlockActs& a, BlockScratch& k, const Batch& batch,
                   Tensor turns, Tensor y, Tensor x) {
    const bool dropping = batch.dropping.p > 0;
    /*1*/ norm_forward(r, w.norm1, a.norm1, a.normed1, x);
    /*2*/ attention_forward(r, w.attention, a.attention, batch, turns, k.branch, a.normed1);
    /*3*/ if (dropping) drop(r, batch, layer, after_attention, k.branch, k.branch);
    /*4*/ add_norm_forward(r, w.norm2, a.norm2, a.normed2, a.mid, x, k.branch);  // mid = x + branch
    /*5*/ feed_forward_forward(r, w.feed_forward, a.feed_forward.up, a.feed_forward.bent, k.branch, a.normed2);
    /*6*/ if (dropping) drop(r, batch, layer, after_feed_forward, k.branch, k.branch);
    /*7*/ r.ops.add({.y = y, .a = a.mid, .b = k.branch}, r.stream);
}

// The same steps, last to first. Weight gradients accumulate; gradients of activations are overwritten.
void block_backward(const Run& r, int layer, const BlockWeights& w, BlockWeights& d_w, const BlockActs& a,
                    BlockScratch& k, const Batch& batch, Tensor turns, Tensor d_x, Tensor d_y, Tensor x) {
    const bool dropping = batch.dropping.p > 0;
    Tensor d_branch = d_y;  // step 7: the gradient of a sum is the gradient of both its parts
    /*6*/ if (dropping) drop(r, batch, layer, after_feed_forward, d_branch = k.branch, d_y);
    /*5*/ feed_forward_backward(r, w.feed_forward, d_w.feed_forward, a.feed_forward, k.feed_forward, k.d_normed, d_branch,
                                a.normed2);
    /*4*/ norm_backward(r, w.norm2, d_w.norm2, a.norm2, k.d_mid, k.d_normed, a.mid, d_y);
    d_branch = k.d_mid;
    /*3*/ if (dropping) drop(r, batch, layer, after_attention, d_branch = k.branch, k.d_mid);
    /*2*/ attention_backward(r, w.attention, d_w.attention, a.attention, k.attention, batch, turns, k.d_normed, d_branch,
                             a.normed1);
    /*1*/ norm_backward(r, w.norm1, d_w.norm1, a.norm1, d_x, k.d_normed, x, k.d_mid);
}

void block_cached(const Run& r, const BlockWeights& w, BlockActs& a, BlockScratch& k, AttentionCache& cache,
                  const CachedRows& rows, Tensor turns, Tensor y, Tensor x) {
    /*1*/ norm_forward(r, w.norm1, a.norm1, a.normed1, x);
    /*2*/ attention_cached(r, w.attention, cache, rows, turns, k.branch, a.attention.qkv, a.attention.y, a.normed1);
    /*4*/ add_norm_forward(r, w.norm2, a.norm2, a.normed2, a.mid, x, k.branch);
    /*5*/ feed_forward_forward(r, w.feed_forward, a.feed_forward.up, a.feed_forward.bent, k.branch, a.normed2);
    /*7*/ r.ops.add({.y = y, .a = a.mid, .b = k.branch}, r.stream);
}

}  // namespace gradus
