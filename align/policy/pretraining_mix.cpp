#include "align/policy/pretraining_mix.h"

#include <algorithm>
#include <span>
#include <utility>

namespace gradus {

PretrainingMix::PretrainingMix(LanguageModel& model, NextBatch text, const PretrainingConfig& c, const Mesh& mesh)
    : model_(model),
      text_(std::move(text)),
      config_(c),
      dp_(mesh.dp),
      mine_(share_of(int(c.rows), mesh.dp)),
      passes_(model.run),
      inputs_(model.run.ops, "inputs of pre-training text"),
      on_host_(model.run.ops, "inputs of pre-training text on the host", ArenaMemory::host),
      host_(model.run.d.B, model.run.d.T) {
    const int B = model.run.d.B, T = model.run.d.T;
    micro_batches_.resize(size_t((mine_.last - mine_.first + B - 1) / B));
    const Shape rows = {std::max<int64_t>(1, int64_t(micro_batches_.size()) * B * T)};
    batch_.declare(inputs_, B, T);
    inputs_.declare("losses", losses_, rows, model.run.accumulator());
    inputs_.declare("losses of a micro-batch", pass_losses_, {int64_t(B) * T}, model.run.accumulator());
    inputs_.allocate();
    for (StagedBatch& staged : micro_batches_) staged.declare(on_host_, B, T);
    on_host_.declare("losses", host_losses_, rows, model.run.accumulator());
    on_host_.allocate();
}

PolicyUpdate::Addition PretrainingMix::addition() {
    return {.scale = [this](int64_t update) { return prepare(update); },
            .accumulate = [this](int64_t) { accumulate(); }};
}

double PretrainingMix::prepare(int64_t update) {
    const int B = host_.B, T = host_.T;
    targets_ = 0;
    for (size_t b = 0; b < micro_batches_.size(); ++b) {
        const int first = mine_.first + int(b) * B;
        text_(update * config_.rows + first, host_);
        // The last micro-batch may have rows of the next rank or the next update.
        const int own = std::min(B, mine_.last - first);
        std::fill(host_.targets.begin() + int64_t(own) * T, host_.targets.end(), -1);
        targets_ += double(host_.valid_targets());
        micro_batches_[b].take(host_);
    }
    dp_.sum(std::span(&targets_, 1));
    targets_ = std::max(targets_, 1.0);
    return config_.weight / targets_;
}

void PretrainingMix::accumulate() {
    const Run& r = model_.run;
    const int64_t rows = r.d.N();
    for (size_t b = 0; b < micro_batches_.size(); ++b) {
        batch_.upload(r.ops, micro_batches_[b], r.stream);
        passes_.run(batch_.causal, [this] { model_.loss_and_backward(batch_, pass_losses_); });
        r.ops.copy(losses_.part(int64_t(b) * rows, rows).data, pass_losses_.data, pass_losses_.bytes(), r.stream);
    }
    updates_ += 1;
    if (micro_batches_.empty()) return;
    r.ops.copy_to_host(host_losses_.data, losses_.data, losses_.bytes(), r.stream);
    r.ops.synchronise(r.stream);
    loss_ += sum_of_losses(host_losses_) / targets_;
}

double PretrainingMix::take_loss() {
    double loss = std::exchange(loss_, 0.0);
    dp_.sum(std::span(&loss, 1));
    return loss / std::max(std::exchange(updates_, 0.0), 1.0);
}

}  // namespace gradus
