#include "align/preference/preference_trainer.h"

#include <algorithm>

#include "align/batches/share.h"
#include "align/preference/answer_sums.h"

namespace gradus {

namespace {

// The two answers of each pair follow each other.
Sequences texts_of(const std::vector<PreferenceExample>& pairs, Share mine) {
    Sequences texts;
    for (int p = mine.first; p < mine.last; ++p) {
        texts.add(pairs[size_t(p)].chosen);
        texts.add(pairs[size_t(p)].rejected);
    }
    return texts;
}

}  // namespace

PreferenceTrainer::PreferenceTrainer(LanguageModel& model, const PreferenceTrainerConfig& c, const Mesh& mesh)
    : pass_(model), config_(c), step_(model.parameters, c, mesh) {}

PreferenceTrainer::Result PreferenceTrainer::step(int64_t step, const std::vector<PreferenceExample>& batch) {
    const Run& run = pass_.model().run;
    const Mesh& mesh = step_.mesh();
    const Share mine = share_of(int(batch.size()), mesh.dp);
    const Sequences texts = texts_of(batch, mine);
    Groups pairs;
    for (int p = 0; p < texts.count() / 2; ++p) pairs.push_back({2 * p, 2 * p + 1});
    const std::vector<MicroBatch> micro_batches = pack(texts, pairs, run.d.B, run.d.T);

    step_.begin(step);
    pass_.model().step.upload(step_.values(1), run.stream);
    const double per_pair = 1 / double(batch.size());
    double loss = 0, tokens = 0;
    Result result;
    double sums[9] = {};  // right, all, ties; rewards; log-probabilities; tokens
    std::vector<double> log_probs = texts.zeros();
    for (size_t b = 0; b < micro_batches.size(); ++b) {
        pass_.forward(micro_batches[b], texts, log_probs);
        std::vector<double> coefficients = texts.zeros();
        for (size_t i = 0; i < micro_batches[b].size(); i += 2) {
            const int w = micro_batches[b][i].sequence, l = micro_batches[b][i + 1].sequence;
            const PreferenceExample& example = batch[size_t(mine.first + w / 2)];
            const AnswerSums chosen = sums_of(texts, w, log_probs), rejected = sums_of(texts, l, log_probs);
            const auto p = preference_loss<double>(config_.loss, {.chosen = chosen.log_prob,
                                                                  .rejected = rejected.log_prob,
                                                                  .reference_chosen = example.reference_chosen,
                                                                  .reference_rejected = example.reference_rejected,
                                                                  .chosen_length = chosen.tokens,
                                                                  .rejected_length = rejected.tokens,
                                                                  .probability = example.probability});
            loss += per_pair * p.loss;
            set_rows(texts, w, per_pair * p.d_chosen, coefficients);
            set_rows(texts, l, per_pair * p.d_rejected, coefficients);
            if (example.probability != 0.5) result.accuracy.add(p.margin());
            sums[3] += p.chosen_reward;
            sums[4] += p.rejected_reward;
            sums[5] += chosen.log_prob;
            sums[6] += rejected.log_prob;
            sums[7] += chosen.tokens;
            sums[8] += rejected.tokens;
        }
        pass_.backward(coefficients, b + 1 == micro_batches.size() ? step_.exchange() : BucketDone{});
    }
    sums[0] = result.accuracy.right;
    sums[1] = result.accuracy.all;
    sums[2] = result.accuracy.ties;
    mesh.dp.sum(std::span(sums));
    tokens = sums[7] + sums[8];
    static_cast<StepResult&>(result) = step_.finish(loss, int64_t(tokens));
    result.accuracy = {.right = sums[0], .all = sums[1], .ties = sums[2]};
    result.chosen_reward = sums[3] * per_pair;
    result.rejected_reward = sums[4] * per_pair;
    result.chosen_log_prob = sums[7] > 0 ? sums[5] / sums[7] : 0;
    result.rejected_log_prob = sums[8] > 0 ? sums[6] / sums[8] : 0;
    return result;
}

PreferenceTrainer::Held PreferenceTrainer::judge(const std::vector<PreferenceExample>& pairs) {
    std::vector<PreferenceExample> now = pairs;
    add_reference(pass_, now, step_.mesh().dp);  // the policy's own sums
    const auto tokens = [](const Sequence& s) { return double(std::count(s.learnt.begin(), s.learnt.end(), 1)); };
    Held held;
    for (size_t p = 0; p < pairs.size(); ++p) {
        const auto of_pair = preference_loss<double>(config_.loss, {.chosen = now[p].reference_chosen,
                                                                    .rejected = now[p].reference_rejected,
                                                                    .reference_chosen = pairs[p].reference_chosen,
                                                                    .reference_rejected = pairs[p].reference_rejected,
                                                                    .chosen_length = tokens(pairs[p].chosen),
                                                                    .rejected_length = tokens(pairs[p].rejected),
                                                                    .probability = pairs[p].probability});
        held.loss += of_pair.loss;
        if (pairs[p].probability != 0.5) held.accuracy.add(of_pair.margin());
    }
    return held;
}

void add_reference(LanguagePass& reference, std::vector<PreferenceExample>& pairs, const Comm& dp) {
    const Run& run = reference.model().run;
    const Share mine = share_of(int(pairs.size()), dp);
    const Sequences texts = texts_of(pairs, mine);
    std::vector<double> sums(2 * pairs.size(), 0.0);
    if (texts.count() > 0) {
        const std::vector<double> log_probs = reference.log_probs(pack(texts, run.d.B, run.d.T), texts);
        for (int s = 0; s < texts.count(); ++s)
            sums[size_t(2 * mine.first + s)] = sums_of(texts, s, log_probs).log_prob;
    }
    join(sums, dp);
    for (size_t p = 0; p < pairs.size(); ++p) {
        pairs[p].reference_chosen = sums[2 * p];
        pairs[p].reference_rejected = sums[2 * p + 1];
    }
}

}  // namespace gradus
