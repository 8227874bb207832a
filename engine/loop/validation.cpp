#include "engine/loop/validation.h"

#include <algorithm>
#include <numbers>

namespace gradus {

double ValidationResult::bits_per_byte() const { return nats / std::numbers::ln2 / bytes; }

Validation::Validation(LanguageModel& model, const Mesh& mesh)
    : model_(model),
      mesh_(mesh),
      inputs_(model.run.ops, "inputs of validation"),
      on_host_(model.run.ops, "inputs of validation on the host", ArenaMemory::host),
      host_(model.run.d.B, model.run.d.T) {
    const int B = model.run.d.B, T = model.run.d.T;
    batch_.declare(inputs_, B, T);
    inputs_.declare("losses", losses_, {int64_t(B) * T}, model.run.accumulator());
    inputs_.allocate();
    staged_.declare(on_host_, B, T);
    on_host_.declare("losses", host_losses_, losses_.shape, losses_.dtype);
    on_host_.allocate();
}

ValidationResult Validation::run(int64_t windows, const NextBatch& next_batch, const std::vector<int32_t>& bytes_of,
                                 const std::function<bool()>& stop) {
    const Run& r = model_.run;
    const int64_t B = r.d.B, T = r.d.T;
    ValidationResult result;
    for (int64_t first_of_all = 0; first_of_all < windows; first_of_all += B * mesh_.dp.size) {
        if (stop && stop()) {
            result.complete = false;
            break;
        }
        const int64_t first = first_of_all + B * mesh_.dp.rank;
        host_.clear();
        if (first < windows) next_batch(first, host_);
        for (int64_t row = std::max<int64_t>(windows - first, 0) * T; row < B * T; ++row)
            host_.targets[size_t(row)] = -1;
        staged_.take(host_);
        batch_.upload(r.ops, staged_, r.stream);
        model_.loss(batch_, losses_);
        r.ops.copy_to_host(host_losses_.data, losses_.data, losses_.bytes(), r.stream);
        r.ops.synchronise(r.stream);
        result.nats += sum_of_losses(host_losses_);
        result.targets += host_.valid_targets();
        for (int32_t target : host_.targets)
            if (target >= 0) result.bytes += bytes_of[size_t(target)];
    }
    double sums[] = {result.nats, double(result.targets), result.bytes};
    mesh_.dp.sum(sums);
    result.nats = sums[0];
    result.targets = int64_t(sums[1]);
    result.bytes = sums[2];
    return result;
}

}  // namespace gradus
