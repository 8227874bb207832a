#include "engine/trainer.h"

#include <algorithm>
#include <numbers>

#include "kernels/scalar.h"

namespace gradus {

namespace {

// Σ losses on the host, in double and in the order of the rows.
double sum_of(const Model& model, Tensor losses) {
    const Ops& ops = model.run.ops;
    auto add_up = [&](auto zero) {
        std::vector<decltype(zero)> host(size_t(losses.size()));
        ops.copy_to_host(host.data(), losses.data, losses.bytes(), model.run.stream);
        ops.synchronise(model.run.stream);
        double sum = 0;
        for (auto x : host) sum += double(x);
        return sum;
    };
    return losses.dtype == DType::f64 ? add_up(0.0) : add_up(0.0f);
}

}  // namespace

double ValidationResult::bits_per_byte() const { return nats / std::numbers::ln2 / bytes; }

Trainer::Trainer(Model& model, const TrainerConfig& c)
    : model_(model), config_(c), optimizer_(model, c.optimizer), inputs_(model.run.ops, "inputs") {
    CHECK(c.batch % c.micro_batch == 0, "the micro-batch must divide the batch");
    CHECK(model.run.d.B == c.micro_batch && model.run.d.T == c.context, "the model was made for another batch");
    batch_.declare(inputs_, c.micro_batch, c.context);
    inputs_.declare("losses", losses_, {int64_t(c.batch) * c.context}, model.run.accumulator());
    inputs_.allocate();
    host_.assign(size_t(c.batch / c.micro_batch), HostBatch(c.micro_batch, c.context));
}

StepResult Trainer::step(int64_t step, const NextBatch& next_batch) {
    const Run& r = model_.run;
    const int64_t rows = int64_t(config_.micro_batch) * config_.context;

    // The loss is a mean over the targets of the whole batch, so they are counted before the first backward.
    StepResult result{.step = step, .lr = learning_rate(config_.schedule, step)};
    for (size_t i = 0; i < host_.size(); ++i) {
        next_batch(step * config_.batch + int64_t(i) * config_.micro_batch, host_[i]);
        result.tokens += host_[i].valid_targets();
    }
    const double scale = 1.0 / double(std::max<int64_t>(result.tokens, 1));

    model_.grads.zero(r.stream);
    for (size_t i = 0; i < host_.size(); ++i) {  // micro-batches add into the gradients
        batch_.upload(r.ops, host_[i], r.stream);
        batch_.dropping = {config_.dropout, config_.seed, step, int64_t(i) * rows};
        model_.loss_and_backward(batch_, losses_.part(int64_t(i) * rows, rows), scale);
    }
    optimizer_.step(step, result.lr);

    result.loss = sum_of(model_, losses_) * scale;
    result.grad_norm = optimizer_.norm();
    return result;
}

ValidationResult validate_loss(Model& model, int64_t windows, const NextBatch& next_batch,
                               const std::vector<int32_t>& bytes_of, const std::function<bool()>& stop) {
    const int B = model.run.d.B, T = model.run.d.T;
    Arena inputs(model.run.ops, "inputs of validation");
    Batch batch;
    Tensor losses;
    batch.declare(inputs, B, T);
    inputs.declare("losses", losses, {int64_t(B) * T}, model.run.accumulator());
    inputs.allocate();
    HostBatch host(B, T);

    ValidationResult result;
    for (int64_t first = 0; first < windows; first += B) {
        if (stop && stop()) {
            result.whole = false;
            break;
        }
        host = HostBatch(B, T);
        next_batch(first, host);
        for (int64_t row = (windows - first) * T; row < int64_t(B) * T; ++row) host.targets[size_t(row)] = -1;
        batch.upload(model.run.ops, host, model.run.stream);
        model.loss(batch, losses, LossConfig{});
        result.nats += sum_of(model, losses);
        result.targets += host.valid_targets();
        for (int32_t target : host.targets)
            if (target >= 0) result.bytes += bytes_of[size_t(target)];
    }
    return result;
}

}  // namespace gradus
