#include "align/batches/language_pass.h"

namespace gradus {

LanguagePass::LanguagePass(LanguageModel& model, double temperature)
    : model_(model), temperature_(temperature), inputs_(model.run), passes_(model.run) {}

void LanguagePass::forward(const MicroBatch& placed, const Sequences& sequences, std::vector<double>& log_probs) {
    batch_ = &inputs_.upload(placed, sequences);
    passes_.run(key_of(forward_pass, *batch_), [this] {
        model_.log_probs(*batch_, {.losses = inputs_.losses(), .log_probs = inputs_.per_row()}, temperature_);
    });
    inputs_.fetch(log_probs, 1);  // row t predicts id t + 1
}

void LanguagePass::backward(const std::vector<double>& coefficients, const BucketDone& done) {
    inputs_.send(coefficients, 1);
    const auto pass = [&] {
        model_.log_probs_backward(*batch_, {.losses = inputs_.losses(), .d_log_probs = inputs_.per_row()}, temperature_,
                                  done);
    };
    if (done) pass();
    else passes_.run(key_of(backward_pass, *batch_), pass);
}

std::vector<double> LanguagePass::log_probs(const std::vector<MicroBatch>& batches, const Sequences& sequences) {
    std::vector<double> all = sequences.zeros();
    for (const MicroBatch& b : batches) forward(b, sequences, all);
    return all;
}

}  // namespace gradus
