#include "engine/trainer.h"

#include <algorithm>
#include <span>
#include <utility>

#include "engine/noise.h"

namespace gradus {

namespace {

// Of each rank in a step.
int micro_batches_of(const TrainerConfig& c, const Mesh& mesh) {
    CHECK(c.batch > 0 && c.micro_batch > 0 && c.context > 0, "a trainer needs a batch, a micro-batch and a context");
    CHECK(c.batch % (mesh.dp.size * c.micro_batch) == 0, "micro-batches must divide the batch of each rank of dp");
    return c.batch / mesh.dp.size / c.micro_batch;
}

}  // namespace

Trainer::Trainer(LanguageModel& model, const TrainerConfig& c, const Mesh& mesh)
    : model_(model),
      config_(c),
      micro_batches_(micro_batches_of(c, mesh)),
      first_of_rank_(int64_t(mesh.dp.rank) * (c.batch / mesh.dp.size)),
      step_(model.parameters, c, mesh, int64_t(c.batch / mesh.dp.size) * c.context),
      inputs_(model.run.ops, "inputs"),
      on_host_(model.run.ops, "inputs on the host", ArenaMemory::host),
      passes_(model.run),
      host_(c.micro_batch, c.context) {
    CHECK(model.run.d.B == c.micro_batch && model.run.d.T == c.context, "the model has another batch shape");
    batch_.declare(inputs_, c.micro_batch, c.context);
    inputs_.declare("losses", losses_, {int64_t(micro_batches_) * c.micro_batch * c.context}, model.run.accumulator());
    const int64_t rows = int64_t(c.micro_batch) * c.context;
    inputs_.declare("losses of a micro-batch", pass_losses_, {rows}, model.run.accumulator());
    if (c.noise > 0) inputs_.declare("amplitudes", amplitudes_, {rows}, model.run.accumulator());
    inputs_.allocate();
    for (Prepared* p : {&now_, &after_}) {
        if (c.noise > 0)
            on_host_.declare("amplitudes", p->amplitudes, {micro_batches_ * rows}, model.run.accumulator());
        p->micro_batches.resize(size_t(micro_batches_));
        for (StagedBatch& staged : p->micro_batches) staged.declare(on_host_, c.micro_batch, c.context);
    }
    on_host_.allocate();
}

int64_t Trainer::first_sample(int64_t step) const { return step_.sample_step(step) * config_.batch + first_of_rank_; }

void Trainer::prepare(Prepared& p, int64_t first_sample, const NextBatch& next_batch) {
    p.first_sample = -1;
    p.targets = 0;
    for (size_t i = 0; i < p.micro_batches.size(); ++i) {
        next_batch(first_sample + int64_t(i) * config_.micro_batch, host_);
        p.targets += double(host_.valid_targets());
        const int64_t rows = int64_t(host_.tokens.size());
        p.micro_batches[i].take(host_, first_of_rank_ * config_.context + int64_t(i) * rows);
        if (config_.noise > 0)
            fill_amplitudes(p.amplitudes.part(int64_t(i) * rows, rows), host_, config_.noise, model_.run.d.C);
    }
    p.first_sample = first_sample;
}

void Trainer::begin(int64_t step, const NextBatch& next_batch) {
    std::swap(now_, after_);
    if (now_.first_sample != first_sample(step)) prepare(now_, first_sample(step), next_batch);
    step_.begin(step, Gradients::overwritten);
    // The loss is a mean over the targets of the whole batch, so they are counted before the first backward.
    targets_ = now_.targets;
    mesh().dp.sum(std::span(&targets_, 1));
    scale_ = 1.0 / std::max(targets_, 1.0);
    model_.step.upload(step_.values(scale_), config_.seed, step, model_.run.stream);
}

void Trainer::accumulate(int i) {
    const Run& r = model_.run;
    const int64_t rows = int64_t(config_.micro_batch) * config_.context;
    batch_.upload(r.ops, now_.micro_batches[size_t(i)], r.stream);
    batch_.dropout = {config_.dropout};
    batch_.noise = {amplitudes_};
    batch_.first_of_step = i == 0;
    if (amplitudes_)
        r.ops.copy_to_device(amplitudes_.data, now_.amplitudes.part(i * rows, rows).data, amplitudes_.bytes(),
                             r.stream);
    const BucketDone exchange = i + 1 == micro_batches_ ? step_.exchange() : BucketDone{};
    const auto pass = [&] { model_.loss_and_backward(batch_, pass_losses_, config_.loss, exchange); };
    if (exchange) pass();
    else passes_.run(batch_.causal + 2 * batch_.first_of_step, pass);
    r.ops.copy(losses_.part(i * rows, rows).data, pass_losses_.data, pass_losses_.bytes(), r.stream);
}

StepResult Trainer::finish() {
    now_.first_sample = -1;  // used
    return step_.finish(losses_, scale_, int64_t(targets_));
}

StepResult Trainer::step(int64_t step, const NextBatch& next_batch, bool another) {
    begin(step, next_batch);
    for (int i = 0; i < micro_batches_; ++i) accumulate(i);
    if (another) {
        try {
            prepare(after_, first_sample(step + 1), next_batch);
        } catch (...) {}  // the next step prepares its batch again and throws
    }
    return finish();
}

void Trainer::trial_pass(const NextBatch& next_batch) {
    const Run& r = model_.run;
    next_batch(0, host_);
    StagedBatch& staged = now_.micro_batches[0];
    now_.first_sample = -1;
    staged.take(host_);
    batch_.upload(r.ops, staged, r.stream);
    model_.step.upload({}, config_.seed, 0, r.stream);
    batch_.dropout = {config_.dropout};
    batch_.noise = {};
    for (const bool first : {true, false}) {  // matmuls that overwrite and those that accumulate
        if (!first && micro_batches_ == 1) break;
        batch_.first_of_step = first;
        model_.loss_and_backward(batch_, pass_losses_, config_.loss);
    }
    r.ops.synchronise(r.stream);
}

}  // namespace gradus
