#include "align/batches/score_pass.h"

namespace gradus {

ScorePass::ScorePass(ScoreModel& model) : model_(model), inputs_(model.run), passes_(model.run) {}

void ScorePass::forward(const MicroBatch& placed, const Sequences& sequences, std::vector<double>& values) {
    batch_ = &inputs_.upload(placed, sequences);
    passes_.run(key_of(forward_pass, *batch_), [this] { model_.forward(*batch_, inputs_.per_row()); });
    inputs_.fetch(values, 0);
}

void ScorePass::backward(const std::vector<double>& d_values, const BucketDone& done) {
    inputs_.send(d_values, 0);
    const auto pass = [&] { model_.backward(*batch_, inputs_.per_row(), done); };
    if (done) pass();
    else passes_.run(key_of(backward_pass, *batch_), pass);
}

std::vector<double> ScorePass::values(const std::vector<MicroBatch>& batches, const Sequences& sequences) {
    std::vector<double> all = sequences.zeros();
    for (const MicroBatch& b : batches) forward(b, sequences, all);
    return all;
}

}  // namespace gradus
