#include "align/preference/kto_trainer.h"

#include <algorithm>
#include <span>

#include "align/batches/share.h"
#include "align/preference/answer_sums.h"

namespace gradus {

namespace {

// What the answers of a batch add up to, for each label.
struct Totals {
    double answers = 0, reward = 0, log_prob = 0, tokens = 0;

    void add(double reward_of_answer, const AnswerSums& a) {
        answers += 1;
        reward += reward_of_answer;
        log_prob += a.log_prob;
        tokens += a.tokens;
    }
    KtoMeans means() const { return {.reward = reward / answers, .log_prob = log_prob / tokens}; }  // 0/0: NaN
};
struct TotalsOfLabels {
    Totals of[2];  // undesirable, desirable

    Totals& with(bool desirable) { return of[desirable]; }
    void sum(const Comm& dp) {
        double numbers[8] = {};
        for (int l = 0; l < 2; ++l) {
            const double of_label[] = {of[l].answers, of[l].reward, of[l].log_prob, of[l].tokens};
            std::copy(of_label, of_label + 4, numbers + 4 * l);
        }
        dp.sum(std::span(numbers));
        for (int l = 0; l < 2; ++l)
            of[l] = {numbers[4 * l], numbers[4 * l + 1], numbers[4 * l + 2], numbers[4 * l + 3]};
    }
};

// Σ log p of the answer of each text; 0 for a text without ids.
std::vector<AnswerSums> answer_sums(LanguagePass& pass, const std::vector<const Sequence*>& all) {
    Sequences texts;
    std::vector<size_t> places;
    for (size_t i = 0; i < all.size(); ++i)
        if (all[i]->size() > 0) {
            texts.add(*all[i]);
            places.push_back(i);
        }
    std::vector<AnswerSums> sums(all.size());
    if (texts.count() == 0) return sums;
    const Run& run = pass.model().run;
    const std::vector<double> log_probs = pass.log_probs(pack(texts, run.d.B, run.d.T), texts);
    for (int s = 0; s < texts.count(); ++s) sums[places[size_t(s)]] = sums_of(texts, s, log_probs);
    return sums;
}

// z0 of a batch of which this rank has the part `mine`.
double reference_point_of(LanguagePass& pass, const std::vector<LabelledExample>& batch, Share mine, const Comm& dp) {
    std::vector<const Sequence*> texts;
    for (int i = mine.first; i < mine.last; ++i) texts.push_back(&batch[size_t(i)].mismatched);
    const std::vector<AnswerSums> policy = answer_sums(pass, texts);
    double sum_and_count[2] = {};
    for (size_t i = 0; i < policy.size(); ++i) {
        if (texts[i]->size() == 0) continue;
        sum_and_count[0] += policy[i].log_prob - batch[size_t(mine.first) + i].reference_mismatched;
        sum_and_count[1] += 1;
    }
    dp.sum(std::span(sum_and_count));
    return kto_reference_point(sum_and_count[0], sum_and_count[1]);
}

}  // namespace

KtoTrainer::KtoTrainer(LanguageModel& model, const KtoTrainerConfig& c, const Mesh& mesh)
    : pass_(model), config_(c), step_(model.parameters, c, mesh) {}

KtoTrainer::Result KtoTrainer::step(int64_t step, const std::vector<LabelledExample>& batch) {
    const Run& run = pass_.model().run;
    const Comm& dp = step_.mesh().dp;
    const Share mine = share_of(int(batch.size()), dp);
    Sequences texts;
    for (int i = mine.first; i < mine.last; ++i) texts.add(batch[size_t(i)].text);

    step_.begin(step);
    pass_.model().step.upload(step_.values(1), run.stream);
    Result result;
    result.kl = reference_point_of(pass_, batch, mine, dp);

    const std::vector<MicroBatch> micro_batches = pack(texts, run.d.B, run.d.T);
    const double per_answer = 1 / double(batch.size());
    double loss = 0;
    TotalsOfLabels totals;
    std::vector<double> log_probs = texts.zeros();
    for (size_t b = 0; b < micro_batches.size(); ++b) {
        pass_.forward(micro_batches[b], texts, log_probs);
        std::vector<double> coefficients = texts.zeros();
        for (const Placed& placed : micro_batches[b]) {
            const LabelledExample& example = batch[size_t(mine.first + placed.sequence)];
            const AnswerSums answer = sums_of(texts, placed.sequence, log_probs);
            const auto of_answer =
                kto_loss<double>(config_.loss, answer.log_prob, example.reference, example.desirable, result.kl);
            loss += per_answer * of_answer.loss;
            set_rows(texts, placed.sequence, per_answer * of_answer.d_log_prob, coefficients);
            totals.with(example.desirable).add(of_answer.reward, answer);
        }
        pass_.backward(coefficients, b + 1 == micro_batches.size() ? step_.exchange() : BucketDone{});
    }
    totals.sum(dp);
    result.desirable = totals.with(true).means();
    result.undesirable = totals.with(false).means();
    static_cast<StepResult&>(result) = step_.finish(loss, int64_t(totals.of[0].tokens + totals.of[1].tokens));
    return result;
}

KtoTrainer::Held KtoTrainer::judge(const std::vector<LabelledExample>& examples) {
    const Comm& dp = step_.mesh().dp;
    const Share mine = share_of(int(examples.size()), dp);
    Held held;
    held.kl = reference_point_of(pass_, examples, mine, dp);
    std::vector<const Sequence*> texts;
    for (int i = mine.first; i < mine.last; ++i) texts.push_back(&examples[size_t(i)].text);
    const std::vector<AnswerSums> policy = answer_sums(pass_, texts);
    TotalsOfLabels totals;
    for (size_t i = 0; i < policy.size(); ++i) {
        const LabelledExample& example = examples[size_t(mine.first) + i];
        const auto of_answer =
            kto_loss<double>(config_.loss, policy[i].log_prob, example.reference, example.desirable, held.kl);
        held.loss += of_answer.loss;
        totals.with(example.desirable).add(of_answer.reward, policy[i]);
    }
    dp.sum(std::span(&held.loss, 1));
    totals.sum(dp);
    held.desirable = totals.with(true).means();
    held.undesirable = totals.with(false).means();
    return held;
}

void add_reference(LanguagePass& reference, std::vector<LabelledExample>& examples, const Comm& dp) {
    const Share mine = share_of(int(examples.size()), dp);
    std::vector<const Sequence*> texts;
    for (int i = mine.first; i < mine.last; ++i) {
        texts.push_back(&examples[size_t(i)].text);
        texts.push_back(&examples[size_t(i)].mismatched);
    }
    const std::vector<AnswerSums> here = answer_sums(reference, texts);
    std::vector<double> sums(2 * examples.size(), 0.0);
    for (size_t i = 0; i < here.size(); ++i) sums[size_t(2 * mine.first) + i] = here[i].log_prob;
    join(sums, dp);
    for (size_t i = 0; i < examples.size(); ++i) {
        examples[i].reference = sums[2 * i];
        examples[i].reference_mismatched = sums[2 * i + 1];
    }
}

}  // namespace gradus
