#include "engine/heads/language.h"

#include <algorithm>

#include "kernels/cross_entropy.h"
#include "kernels/linear.h"

// Calls are aligned by hand, so that forward and backward can be compared.
// clang-format off
namespace gradus {

int HeadScratch::chunk_rows(const Run& r) {
    const int64_t of_64_mib = (int64_t(64) << 20) / int64_t(size_of(r.dtype)) / r.d.V;
    const int64_t most = r.ops.logit_rows ? r.ops.logit_rows : std::max<int64_t>(of_64_mib, 32);
    const int64_t wanted = std::min<int64_t>(most, r.d.N());
    const int64_t chunks = (r.d.N() + wanted - 1) / wanted;  // of equal size, to avoid a small last one
    return int((r.d.N() + chunks - 1) / chunks);
}

LanguageHead::LanguageHead(const Run& r, Model& model, Parameters& parameters, Arena& activations)
    : run_(r), tied_(r.model.tied), embedding_(model.token_embedding()) {
    const Spec here = {.shape = {r.d.V, r.d.C}, .split = Split::rows, .overwritten = true};
    const Spec whole = {.shape = {r.model.V, r.d.C}, .split = Split::rows};
    if (!tied_) parameters.declare("head", {w_, d_w_}, here, whole, r.d.last_bucket());
    scratch_.each(r, [&](const std::string& name, Tensor& t, const Shape& shape, DType dtype) {
        activations.declare(name, t, shape, dtype);
    });
}

struct LanguageHead::Loss {
    LossConfig config = {};
    double temperature = 1, scale = 1;
    const StepValues* step_values = nullptr;  // null: the gradient of scale · Σ losses
    bool backward = false;
    bool overwrite = false;  // the head's gradient, by the first chunk
    Tensor log_probs = {}, coefficient = {};  // [N]
};

void LanguageHead::run_chunks(const Loss& loss, Tensor losses, Tensor d_hidden, Tensor hidden, Tensor targets) {
    const Ops& ops = run_.ops;
    const Comm& tp = run_.tp;
    const Stream s = run_.stream;
    const auto [smoothing, z_loss] = loss.config;
    const int64_t chunk = scratch_.logits.rows(), V = run_.model.V, vocab_offset = run_.vocab_offset();
    const Tensor w = weight(), d_w = loss.backward ? d_weight() : Tensor{};
    for (int64_t first = 0; first < hidden.rows(); first += chunk) {
        const int64_t n = std::min(chunk, hidden.rows() - first);
        const Tensor logits = scratch_.logits.slice(0, n).columns(0, run_.vocab_rows());
        const Tensor stats = scratch_.stats.slice(0, n), lse = scratch_.lse.part(0, n);
        auto rows = [&](Tensor t) { return t ? t.part(first, n) : Tensor{}; };
        const Tensor target = rows(targets), x = hidden.slice(first, n);

        /*1*/ ops.linear_forward({.y = logits, .x = x, .w = w}, s);
        if (loss.backward && tp.size == 1) {
            /*2, 3*/ ops.cross_entropy({.logits = logits, .loss = rows(losses), .lse = lse, .log_prob = rows(loss.log_probs),
                                        .targets = target, .coefficient = rows(loss.coefficient), .scale = loss.scale,
                                        .step_values = loss.step_values, .smoothing = smoothing, .z_loss = z_loss,
                                        .temperature = loss.temperature}, s);
        } else {
            /*2*/ ops.cross_entropy_stats({.stats = stats, .logits = logits, .targets = target, .vocab_offset = vocab_offset,
                                           .temperature = loss.temperature}, s);
                  if (tp.size > 1) {
                      const Tensor gathered_stats = scratch_.gathered_stats.slice(0, tp.size * n);
                      tp.all_gather(gathered_stats, stats, s);
                      ops.cross_entropy_join({.stats = stats, .parts = gathered_stats}, s);
                  }
            /*3*/ ops.cross_entropy_forward({.loss = rows(losses), .lse = lse, .log_prob = rows(loss.log_probs), .stats = stats,
                                             .targets = target, .V = V, .smoothing = smoothing, .z_loss = z_loss}, s);
            if (!loss.backward) continue;
            /*3*/ ops.cross_entropy_backward({.logits = logits, .lse = lse, .targets = target, .coefficient = rows(loss.coefficient),
                                              .V = V, .vocab_offset = vocab_offset, .scale = loss.scale,
                                              .step_values = loss.step_values, .smoothing = smoothing,
                                              .z_loss = z_loss, .temperature = loss.temperature}, s);
        }
        /*1*/ ops.linear_backward_input({.d_x = d_hidden.slice(first, n), .d_y = logits, .w = w}, s);
              ops.linear_backward_weight({.d_w = d_w, .d_y = logits, .x = x, .overwrite = loss.overwrite && first == 0}, s);
    }
}

void LanguageHead::loss(Tensor losses, Tensor hidden, Tensor targets, const LossConfig& config) {
    run_chunks({.config = config}, losses, {}, hidden, targets);
}

void LanguageHead::loss_and_backward(Tensor losses, Tensor d_hidden, Tensor hidden, Tensor targets,
                                     const LossConfig& config, bool overwrite) {
    run_chunks({.config = config, .step_values = run_.step.values, .backward = true, .overwrite = overwrite}, losses, d_hidden,
               hidden, targets);
}

void LanguageHead::log_probs(Tensor losses, Tensor log_probs, Tensor hidden, Tensor targets, double temperature) {
    run_chunks({.temperature = temperature, .log_probs = log_probs}, losses, {}, hidden, targets);
}

void LanguageHead::log_probs_backward(Tensor losses, Tensor d_hidden, Tensor d_log_probs, Tensor hidden, Tensor targets,
                                      double temperature) {
    // Cross-entropy has the gradient of −log_prob.
    run_chunks({.temperature = temperature, .scale = -1, .backward = true, .coefficient = d_log_probs}, losses, d_hidden, hidden,
         targets);
}

void LanguageHead::logits(Tensor logits, Tensor hidden) {
    run_.ops.linear_forward({.y = logits, .x = hidden, .w = tied_ ? embedding_.value : w_}, run_.stream);
}

}  // namespace gradus
