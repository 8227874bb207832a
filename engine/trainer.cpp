#include "engine/trainer.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

void copy_to_host(const Run& r, Tensor to, Tensor from) {
    r.ops.copy_to_host(to.data, from.data, from.bytes(), r.stream);
}

}  // namespace

Trainer::Trainer(Model& model, const TrainerConfig& c, const Mesh& mesh)
    : model_(model),
      config_(c),
      mesh_(mesh),
      optimizer_(model, c.optimizer, mesh),
      stability_(c.stability),
      inputs_(model.run.ops, "inputs"),
      on_host_(model.run.ops, "inputs on the host", ArenaMemory::host),
      staged_(size_t(c.batch / mesh.dp.size / c.micro_batch)),
      host_(c.micro_batch, c.context) {
    const int batch = c.batch / mesh.dp.size;
    CHECK(c.batch % mesh.dp.size == 0 && batch % c.micro_batch == 0,
          "micro-batches must divide the batch of each rank of dp");
    CHECK(model.run.d.B == c.micro_batch && model.run.d.T == c.context, "the model was made for another batch");
    CHECK(model.run.tp.size == mesh.tp.size, "the model was made for another mesh");
    batch_.declare(inputs_, c.micro_batch, c.context);
    inputs_.declare("losses", losses_, {int64_t(batch) * c.context}, model.run.accumulator());
    inputs_.allocate();
    for (StagedBatch& staged : staged_) staged.declare(on_host_, c.micro_batch, c.context);
    on_host_.declare("losses", host_losses_, losses_.shape, losses_.dtype);
    on_host_.declare("squared norm", host_squared_norm_, {1}, DType::f64);
    on_host_.allocate();
}

StepResult Trainer::step(int64_t step, const NextBatch& next_batch) {
    const Run& r = model_.run;
    const int64_t rows = int64_t(config_.micro_batch) * config_.context;
    const int64_t first_of_rank = int64_t(mesh_.dp.rank) * (config_.batch / mesh_.dp.size);
    const int64_t first_sample = (step + stability_.state().data_offset) * config_.batch + first_of_rank;
    mesh_.world.set_step(step + 1);

    // The loss is a mean over the targets of the whole batch, so they are counted before the first backward.
    double targets = 0;
    for (size_t i = 0; i < staged_.size(); ++i) {
        next_batch(first_sample + int64_t(i) * config_.micro_batch, host_);
        targets += double(host_.valid_targets());
        staged_[i].take(host_);
    }
    mesh_.dp.sum(std::span(&targets, 1));
    const double scale = 1.0 / std::max(targets, 1.0);

    model_.grads.zero(r.stream);
    for (size_t i = 0; i < staged_.size(); ++i) {  // micro-batches add into the gradients
        const bool last = i + 1 == staged_.size();
        batch_.upload(r.ops, staged_[i], r.stream);
        batch_.dropout = {config_.dropout, config_.seed, step, first_of_rank * config_.context + int64_t(i) * rows};
        model_.loss_and_backward(batch_, losses_.part(int64_t(i) * rows, rows), scale,
                                 last ? [this](int bucket) { optimizer_.sum_gradients(bucket); } : BucketDone{});
    }

    copy_to_host(r, host_losses_, losses_);
    copy_to_host(r, host_squared_norm_, optimizer_.squared_norm());
    r.ops.synchronise(r.stream);  // the only time in a step: what follows depends on these numbers

    // From one rank of tp, so that every rank has the same bits and comes to the same verdict.
    double loss = mesh_.tp.rank == 0 ? sum_of_losses(host_losses_) * scale : 0;
    mesh_.world.sum(std::span(&loss, 1));
    StepResult result{.step = step, .loss = loss, .tokens = int64_t(targets)};
    result.lr = learning_rate(config_.schedule, step) * stability_.state().rate;
    result.grad_norm = std::sqrt(*host_squared_norm_.as<double>());
    complete_ = false;
    result.verdict = stability_.judge(result.loss, result.grad_norm);
    if (result.verdict == Verdict::take) optimizer_.update(step, result.lr);
    complete_ = true;
    return result;
}

void Trainer::trial_pass(const NextBatch& next_batch) {
    const Run& r = model_.run;
    next_batch(0, host_);
    staged_[0].take(host_);
    batch_.upload(r.ops, staged_[0], r.stream);
    batch_.dropout = {config_.dropout, config_.seed, 0, 0};
    model_.loss_and_backward(batch_, losses_.part(0, int64_t(config_.micro_batch) * config_.context), 1);
    r.ops.synchronise(r.stream);
}

}  // namespace gradus
