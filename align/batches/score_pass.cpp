#include "align/batches/score_pass.h"

namespace gradus {

ScorePass::ScorePass(ScoreModel& model) : model_(model), inputs_(model.run) {}

void ScorePass::forward(const MicroBatch& placed, const std::vector<Sequence>& sequences, PerId& values) {
    batch_ = &inputs_.upload(placed, sequences);
    model_.forward(*batch_, inputs_.per_row());
    inputs_.fetch(values, 0);
}

void ScorePass::backward(const PerId& d_values, const BucketDone& done) {
    inputs_.send(d_values, 0);
    model_.backward(*batch_, inputs_.per_row(), done);
}

PerId ScorePass::values(const std::vector<MicroBatch>& batches, const std::vector<Sequence>& sequences) {
    PerId all = zeros_like(sequences);
    for (const MicroBatch& b : batches) forward(b, sequences, all);
    return all;
}

}  // namespace gradus
