#include "engine/generate/token_sampler.h"

#include "kernels/sampling.h"

namespace gradus {

TokenSampler::TokenSampler(const Run& run, int rows, int context) : run_(run), arena_(run.ops, "sampling") {
    const int64_t k = rows, inputs = 4 * k + 1 + k * std::min<int64_t>(context, run.model.V);
    arena_.declare("inputs", inputs_, {inputs}, DType::i32);
    arena_.declare("ids", ids_, {k}, DType::i32);
    arena_.declare("log_probs", log_probs_, {k}, run.accumulator());
    arena_.declare("workspace", workspace_, {sample_workspace(k, run.model.V)}, DType::f32);
    arena_.allocate();
    staged_.reserve(size_t(inputs));
    raw_log_probs_.resize(log_probs_.bytes());
    drawn_ids_.resize(size_t(k));
    draws_.reserve(size_t(k));
}

// Samples all rows with the same settings.
void TokenSampler::draw_with(const Sampling& s, Tensor logits, const std::vector<Row>& rows) {
    const Ops& ops = run_.ops;
    const Stream stream = run_.stream;
    const auto k = int64_t(rows.size());
    staged_.clear();
    for (const Row& r : rows) {
        staged_.push_back(int32_t(uint32_t(r.stream)));
        staged_.push_back(int32_t(uint32_t(r.stream >> 32)));
    }
    for (const Row& r : rows) staged_.push_back(int32_t(r.position));
    const bool penalised = s.repetition_penalty != 1;
    if (penalised) {
        int32_t offset = 0;
        staged_.push_back(offset);
        for (const Row& r : rows) staged_.push_back(offset += int32_t(r.seen.size()));
        for (const Row& r : rows) staged_.insert(staged_.end(), r.seen.begin(), r.seen.end());
    }
    CHECK(int64_t(staged_.size()) <= inputs_.size(), "more rows or seen ids than the sampler's capacity");
    ops.copy_to_device(inputs_.data, staged_.data(), staged_.size() * sizeof(int32_t), stream);
    const int64_t seen = penalised ? int64_t(staged_.size()) - (4 * k + 1) : 0;
    const Tensor ids = ids_.part(0, k), log_probs = log_probs_.part(0, k);
    ops.sample({.ids = ids,
                .log_probs = log_probs,
                .workspace = workspace_.part(0, sample_workspace(k, run_.model.V)),
                .logits = logits,
                .streams = inputs_.part(0, 2 * k).view({k, 2}),
                .positions = inputs_.part(2 * k, k),
                .seen_offsets = penalised ? inputs_.part(3 * k, k + 1) : Tensor{},
                .seen = penalised ? inputs_.part(4 * k + 1, seen) : Tensor{},
                .temperature = s.temperature,
                .top_k = s.top_k,
                .top_p = s.top_p,
                .min_p = s.min_p,
                .repetition_penalty = s.repetition_penalty,
                .seed = s.seed,
                .V = run_.model.V},
               stream);
    ops.copy_to_host(drawn_ids_.data(), ids.data, ids.bytes(), stream);
    ops.copy_to_host(raw_log_probs_.data(), log_probs.data, log_probs.bytes(), stream);
    ops.synchronise(stream);
}

const std::vector<TokenSampler::Draw>& TokenSampler::draw(Tensor logits, const std::vector<Row>& rows) {
    draws_.assign(rows.size(), {-1, 0});
    std::vector<bool> done(rows.size(), false);
    for (size_t first = 0; first < rows.size(); ++first) {  // one call for each distinct Sampling, usually one
        if (done[first]) continue;
        draw_with(rows[first].sampling, logits, rows);
        for (size_t i = first; i < rows.size(); ++i) {
            if (done[i] || !(rows[i].sampling == rows[first].sampling)) continue;
            done[i] = true;
            const bool wide = run_.accumulator() == DType::f64;
            draws_[i] = {drawn_ids_[i], wide ? reinterpret_cast<const double*>(raw_log_probs_.data())[i]
                                             : double(reinterpret_cast<const float*>(raw_log_probs_.data())[i])};
        }
    }
    for (const Draw& d : draws_)
        if (d.id < 0)
            throw Error("cannot sample the next token",
                        "the model's logits are not finite numbers: its weights are damaged",
                        "use an earlier checkpoint of the run");
    return draws_;
}

}  // namespace gradus
