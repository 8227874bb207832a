#include "align/reward/reward_trainer.h"

#include "align/batches/share.h"

namespace gradus {

namespace {

// The loss of one prompt; d_scores is written.
double ranking_loss(const RewardConfig& c, const RankedAnswers& a, std::span<const double> scores,
                    std::span<double> d_scores) {
    const RankingConfig config = {.margin = a.margin, .centring = c.centring};
    if (a.probability >= 0) {
        CHECK(scores.size() == 2, "a probability compares two answers");
        const auto p = pairwise_loss(scores[0], scores[1], a.probability, config);
        d_scores[0] = p.d_a;
        d_scores[1] = p.d_b;
        return p.loss;
    }
    switch (c.loss) {
        case RankingLoss::pairs: return kwise_loss<double>(scores, a.ranks, d_scores, config);
        case RankingLoss::plackett_luce: return plackett_luce_loss<double>(scores, a.ranks, d_scores);
        case RankingLoss::best: return best_of_loss<double>(scores, a.ranks, d_scores);
    }
    CHECK(false);
    return 0;
}

// Whether answer i was judged better than answer j.
bool is_better(const RankedAnswers& a, size_t i, size_t j) {
    if (a.probability < 0) return a.ranks[i] < a.ranks[j];
    return i < j ? a.probability > 0.5 : i > j && a.probability < 0.5;
}

void add_pairs(Accuracy& accuracy, std::span<const double> scores, const RankedAnswers& a) {
    for (size_t i = 0; i < scores.size(); ++i)
        for (size_t j = 0; j < scores.size(); ++j)
            if (is_better(a, i, j)) accuracy.add(scores[i] - scores[j]);
}

}  // namespace

RewardTrainer::RewardTrainer(ScoreModel& model, const RewardConfig& c, const Mesh& mesh)
    : pass_(model), config_(c), step_(model.parameters, c, mesh) {}

RewardTrainer::Result RewardTrainer::step(int64_t step, const std::vector<RankedAnswers>& batch) {
    const Run& run = pass_.model().run;
    const Mesh& mesh = step_.mesh();
    const Share mine = share_of(int(batch.size()), mesh.dp);
    Sequences texts;
    Groups groups;
    std::vector<int> prompt_of;  // of each text
    for (int p = mine.first; p < mine.last; ++p) {
        groups.emplace_back();
        for (const Sequence& text : batch[size_t(p)].texts) {
            groups.back().push_back(texts.count());
            prompt_of.push_back(p);
            texts.add(text);
        }
    }
    const std::vector<MicroBatch> micro_batches = pack(texts, groups, run.d.B, run.d.T);

    step_.begin(step);
    pass_.model().step.upload(step_.values(1), run.stream);
    Result result;
    double sums[5] = {};  // loss; right, all, ties; scores
    std::vector<double> values = texts.zeros();
    const double per_prompt = 1 / double(batch.size());
    for (size_t b = 0; b < micro_batches.size(); ++b) {
        const MicroBatch& micro_batch = micro_batches[b];
        pass_.forward(micro_batch, texts, values);
        std::vector<double> d_values = texts.zeros();
        for (size_t i = 0; i < micro_batch.size();) {  // texts of one prompt are neighbours
            const RankedAnswers& a = batch[size_t(prompt_of[size_t(micro_batch[i].sequence)])];
            const size_t K = a.texts.size();
            std::vector<double> scores, d_scores(K);
            for (size_t k = 0; k < K; ++k)
                scores.push_back(values[size_t(texts.last_row(micro_batch[i + k].sequence))]);
            sums[0] += per_prompt * ranking_loss(config_, a, scores, d_scores);
            add_pairs(result.accuracy, scores, a);
            for (size_t k = 0; k < K; ++k) {
                d_values[size_t(texts.last_row(micro_batch[i + k].sequence))] = per_prompt * d_scores[k];
                sums[4] += scores[k];
            }
            i += K;
        }
        pass_.backward(d_values, b + 1 == micro_batches.size() ? step_.exchange() : BucketDone{});
    }
    sums[1] = result.accuracy.right;
    sums[2] = result.accuracy.all;
    sums[3] = result.accuracy.ties;
    static_cast<StepResult&>(result) = step_.finish(sums[0], int64_t(batch.size()));
    mesh.dp.sum(std::span(sums));
    result.accuracy = {.right = sums[1], .all = sums[2], .ties = sums[3]};
    double count = 0;
    for (const RankedAnswers& a : batch) count += double(a.texts.size());
    result.mean = count > 0 ? sums[4] / count : 0;
    return result;
}

std::vector<double> RewardTrainer::scores(const std::vector<Sequence>& texts) {
    return scores_of(pass_, texts, step_.mesh().dp);
}

std::vector<double> scores_of(ScorePass& pass, const std::vector<Sequence>& all, const Comm& dp) {
    const Run& run = pass.model().run;
    const Share mine = share_of(int(all.size()), dp);
    Sequences texts;
    for (int i = mine.first; i < mine.last; ++i) texts.add(all[size_t(i)]);
    std::vector<double> scores(all.size(), 0.0);
    if (texts.count() > 0) {
        const std::vector<double> values = pass.values(pack(texts, run.d.B, run.d.T), texts);
        for (int i = 0; i < texts.count(); ++i) scores[size_t(mine.first + i)] = values[size_t(texts.last_row(i))];
    }
    join(scores, dp);
    return scores;
}

}  // namespace gradus
