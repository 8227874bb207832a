#include "align/policy/value_update.h"

#include "align/policy/policy_update.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {

// Of rows of ids: what stands at n − 1 belongs to choosing the learnt id n.
void take_states(const Sequences& texts, int s, const std::vector<double>& of_ids, double offset,
                 std::vector<double>& of_states) {
    for (int64_t n = texts.first[size_t(s)] + 1; n <= texts.last_row(s); ++n)
        if (texts.learnt[size_t(n)]) of_states[size_t(n)] = of_ids[size_t(n) - 1] + offset;
}
void give_states(const Sequences& texts, int s, const std::vector<double>& of_states, std::vector<double>& of_ids) {
    for (int64_t n = texts.first[size_t(s)] + 1; n <= texts.last_row(s); ++n)
        if (texts.learnt[size_t(n)]) of_ids[size_t(n) - 1] = of_states[size_t(n)];
}

}  // namespace

ValueUpdate::ValueUpdate(ScoreModel& model, const ValueConfig& c, const Mesh& mesh)
    : pass_(model), config_(c), step_(model.parameters, c, mesh) {}

std::vector<double> ValueUpdate::values(const Sequences& texts, int64_t iteration) {
    const Comm& dp = step_.mesh().dp;
    std::vector<double> of_ids = texts.zeros(), of_states = texts.zeros();
    for (const auto& m : minibatches(texts.count(), config_.minibatches, key_of(config_.seed, iteration), 0))
        for (const MicroBatch& b : own_micro_batches(texts, m, pass_.model().run, dp)) {
            pass_.forward(b, texts, of_ids);
            for (const Placed& p : b) take_states(texts, p.sequence, of_ids, config_.offset, of_states);
        }
    join(of_states, dp);
    return of_states;
}

void ValueUpdate::update(const Experience& e, const std::vector<int>& minibatch, int64_t number, ValueStats& stats) {
    ScoreModel& model = pass_.model();
    const Mesh& mesh = step_.mesh();
    double rows = 0;
    for (const int s : minibatch)
        for (int64_t n = e.texts.first[size_t(s)]; n <= e.texts.last_row(s); ++n) rows += e.texts.learnt[size_t(n)];
    step_.begin(number);
    model.step.upload(step_.values(1), model.run.stream);

    const std::vector<MicroBatch> micro_batches = own_micro_batches(e.texts, minibatch, model.run, mesh.dp);
    std::vector<double> of_ids = e.texts.zeros(), values = e.texts.zeros();
    double sums[2] = {};  // loss, clipped
    for (size_t b = 0; b < micro_batches.size(); ++b) {
        pass_.forward(micro_batches[b], e.texts, of_ids);
        std::vector<double> d_values = e.texts.zeros(), d_of_ids = e.texts.zeros();
        for (const Placed& p : micro_batches[b]) {
            take_states(e.texts, p.sequence, of_ids, config_.offset, values);
            const auto first = size_t(e.texts.first[size_t(p.sequence)]);
            const auto length = size_t(e.texts.lengths[size_t(p.sequence)]);
            const std::vector<double> weights(length, 1 / rows);
            const auto loss = value_loss<double>({.values = {values.data() + first, length},
                                                  .old_values = {e.old_values.data() + first, length},
                                                  .returns = {e.returns.data() + first, length},
                                                  .learnt = {e.texts.learnt.data() + first, length},
                                                  .weights = weights},
                                                 {d_values.data() + first, length}, config_.clip);
            sums[0] += loss.loss;
            sums[1] += loss.clipped / rows;
            give_states(e.texts, p.sequence, d_values, d_of_ids);
        }
        pass_.backward(d_of_ids, b + 1 == micro_batches.size() ? step_.exchange() : BucketDone{});
    }
    const StepResult result = step_.finish(sums[0], int64_t(rows));
    mesh.dp.sum(std::span(sums));
    if (result.verdict != Verdict::take) {
        stats.skipped += 1;
        return;
    }
    stats.updates += 1;
    stats.loss += sums[0];
    stats.clip_fraction += sums[1];
    stats.grad_norm += result.grad_norm;
}

ValueStats ValueUpdate::run(const Experience& e, int64_t iteration) {
    ValueStats stats;
    Moments returns, errors;
    for (size_t n = 0; n < e.returns.size(); ++n)
        if (e.texts.learnt[n]) {
            returns.add(e.returns[n]);
            errors.add(e.returns[n] - e.old_values[n]);
        }
    stats.explained_variance = explained_variance(returns, errors);
    int64_t number = iteration * updates_per_iteration();
    const uint64_t seed = key_of(config_.seed, iteration);
    for (int epoch = 0; epoch < config_.epochs; ++epoch)
        for (const auto& minibatch : minibatches(e.texts.count(), config_.minibatches, seed, epoch))
            update(e, minibatch, number++, stats);
    if (stats.updates > 0) {
        stats.loss /= stats.updates;
        stats.clip_fraction /= stats.updates;
        stats.grad_norm /= stats.updates;
    }
    return stats;
}

}  // namespace gradus
