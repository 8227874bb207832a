#include "align/policy/policy_update.h"

#include <cmath>
#include <limits>

#include "engine/base/philox.h"

namespace gradus {

namespace {

// The rows of one sequence.
template <class Scalar>
std::span<Scalar> rows_of(std::vector<Scalar>& rows, const Sequences& texts, int s) {
    return {rows.data() + texts.first[size_t(s)], size_t(texts.lengths[size_t(s)])};
}
template <class Scalar>
std::span<const Scalar> rows_of(const std::vector<Scalar>& rows, const Sequences& texts, int s) {
    return {rows.data() + texts.first[size_t(s)], size_t(texts.lengths[size_t(s)])};
}

// Sums over the ranks of dp; the least and the largest ratio of all.
void join_ratios(RatioSums& r, double& loss, double& kl_loss, const Comm& dp) {
    if (dp.size == 1) return;
    std::vector<double> sums = {r.count,        r.clipped_low, r.clipped_high, r.clipped_dual, r.log_ratios,
                                r.half_squares, r.k3s,         r.ratios,       loss,           kl_loss};
    const size_t extremes = sums.size();
    sums.resize(extremes + 2 * size_t(dp.size), 0.0);
    sums[extremes + 2 * size_t(dp.rank)] = r.count > 0 ? r.least : 1;
    sums[extremes + 2 * size_t(dp.rank) + 1] = r.count > 0 ? r.largest : 1;
    dp.sum(std::span(sums));
    r = {.count = sums[0],
         .clipped_low = sums[1],
         .clipped_high = sums[2],
         .clipped_dual = sums[3],
         .log_ratios = sums[4],
         .half_squares = sums[5],
         .k3s = sums[6],
         .ratios = sums[7]};
    loss = sums[8];
    kl_loss = sums[9];
    for (size_t i = extremes; i < sums.size(); i += 2) {
        r.least = std::min(r.least, sums[i]);
        r.largest = std::max(r.largest, sums[i + 1]);
    }
}

}  // namespace

std::vector<MicroBatch> own_micro_batches(const Sequences& texts, const std::vector<int>& minibatch, const Run& run,
                                          const Comm& dp) {
    const Share mine = share_of(int(minibatch.size()), dp);
    const std::span<const int> own(minibatch.data() + mine.first, size_t(mine.last - mine.first));
    return pack(texts, own, run.d.B, run.d.T);
}

PolicyUpdate::PolicyUpdate(LanguageModel& model, const PolicyConfig& c, const Mesh& mesh)
    : pass_(model, c.temperature), config_(c), step_(model.parameters, c, mesh) {}

std::vector<double> PolicyUpdate::log_probs(LanguagePass& pass, const Sequences& texts, int64_t iteration) const {
    const Comm& dp = step_.mesh().dp;
    std::vector<double> all = texts.zeros();
    for (const auto& m : minibatches(texts.count(), config_.minibatches, key_of(config_.seed, iteration), 0))
        for (const MicroBatch& b : own_micro_batches(texts, m, pass.model().run, dp)) pass.forward(b, texts, all);
    join(all, dp);
    return all;
}

double PolicyUpdate::loss_of(const Experience& e, int s, const RowCounts& of_minibatch,
                             const std::vector<double>& log_probs, std::vector<double>& coefficients,
                             PolicyStats& stats, RatioSums& ratios) const {
    const Sequences& texts = e.texts;
    const auto learnt = rows_of(texts.learnt, texts, s);
    const int64_t length = texts.lengths[size_t(s)];
    std::vector<double> weights(static_cast<size_t>(length));
    row_weights(config_.normaliser, of_minibatch, learnt, std::span(&length, 1), config_.longest, weights);
    const std::span<double> d = rows_of(coefficients, texts, s);
    const PolicyRows<double> rows = {.log_probs = rows_of(log_probs, texts, s),
                                     .old_log_probs = rows_of(e.old_log_probs, texts, s),
                                     .advantages = rows_of(e.advantages, texts, s),
                                     .learnt = learnt,
                                     .weights = weights};
    PolicyLoss<double> loss;
    switch (config_.objective) {
        case PolicyObjective::ppo: loss = ppo_loss(rows, d, config_.clip); break;
        case PolicyObjective::reinforce: loss = reinforce_loss(rows, d); break;
        case PolicyObjective::cispo: loss = cispo_loss(rows, d, config_.cap); break;
        case PolicyObjective::gspo: loss = gspo_loss(rows, std::span(&length, 1), d, config_.clip); break;
    }
    ratios += loss.ratios;
    double kl = 0;
    if (config_.kl_beta > 0 && !e.reference.empty())
        kl = kl_loss<double>(config_.kl, config_.kl_beta, rows.log_probs, rows_of(e.reference, texts, s), learnt,
                             weights, d)
                 .loss;
    stats.kl_loss += kl;
    return loss.loss + kl;
}

void PolicyUpdate::update(const Experience& e, const std::vector<int>& minibatch, int64_t number,
                          const Addition& addition, PolicyStats& stats) {
    LanguageModel& model = pass_.model();
    const Mesh& mesh = step_.mesh();
    RowCounts counts;
    for (const int s : minibatch)
        counts += count_rows(rows_of(e.texts.learnt, e.texts, s), std::span(&e.texts.lengths[size_t(s)], 1));
    step_.begin(number);
    const int64_t of_samples = number + step_.sample_step(0) * updates_per_iteration();
    model.step.upload(step_.values(addition.scale ? addition.scale(of_samples) : 1), model.run.stream);
    if (addition.accumulate) addition.accumulate(of_samples);

    const std::vector<MicroBatch> micro_batches = own_micro_batches(e.texts, minibatch, model.run, mesh.dp);
    std::vector<double> log_probs = e.texts.zeros();
    double loss = 0;
    PolicyStats here;
    for (size_t b = 0; b < micro_batches.size(); ++b) {
        pass_.forward(micro_batches[b], e.texts, log_probs);
        std::vector<double> coefficients = e.texts.zeros();
        for (const Placed& p : micro_batches[b])
            loss += loss_of(e, p.sequence, counts, log_probs, coefficients, here, here.ratios);
        pass_.backward(coefficients, b + 1 == micro_batches.size() ? step_.exchange() : BucketDone{});
    }
    double loss_of_all = loss;
    join_ratios(here.ratios, loss_of_all, here.kl_loss, mesh.dp);
    // A loss that is no number makes the step be skipped.
    const bool too_far = config_.largest_ratio > 0 && !(here.ratios.mean_ratio() <= config_.largest_ratio);
    const StepResult result =
        step_.finish(too_far ? std::numeric_limits<double>::quiet_NaN() : loss, int64_t(counts.rows));
    if (stats.updates + stats.skipped == 0)
        stats.first_ratio_error = std::max(here.ratios.largest - 1, 1 - here.ratios.least);
    stats.ratios += here.ratios;
    if (result.verdict != Verdict::take) {
        stats.skipped += 1;
        return;
    }
    stats.updates += 1;
    stats.loss += loss_of_all;
    stats.kl_loss += here.kl_loss;
    stats.grad_norm += result.grad_norm;
    stats.lr = result.lr;
}

PolicyStats PolicyUpdate::run(const Experience& e, int64_t iteration, const Addition& addition) {
    PolicyStats stats;
    int64_t number = iteration * updates_per_iteration();
    const uint64_t seed = key_of(config_.seed, iteration);
    for (int epoch = 0; epoch < config_.epochs && !stats.stopped; ++epoch) {
        const RatioSums before = stats.ratios;
        for (const auto& minibatch : minibatches(e.texts.count(), config_.minibatches, seed, epoch))
            update(e, minibatch, number++, addition, stats);
        if (config_.target_kl <= 0) continue;
        const double moved = (stats.ratios.k3s - before.k3s) / std::max(stats.ratios.count - before.count, 1.0);
        // Two groups of dp may add in different orders, so rank 0 decides for all.
        const Comm& world = step_.mesh().world;
        stats.stopped = world.any(world.rank == 0 && moved > config_.target_kl);
    }
    if (stats.updates > 0) {
        stats.loss /= stats.updates;
        stats.kl_loss /= stats.updates;
        stats.grad_norm /= stats.updates;
    }
    return stats;
}

}  // namespace gradus
