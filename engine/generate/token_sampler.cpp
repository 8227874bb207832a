#include "engine/generate/token_sampler.h"

#include "kernels/sampling.h"

namespace gradus {

namespace {

// A log-probability and an id.
size_t bytes_of_draw(const Run& run) { return size_of(run.accumulator()) + sizeof(int32_t); }

}  // namespace

TokenSampler::TokenSampler(const Run& run, int rows, int context) : run_(run), arena_(run.ops, "sampling") {
    const int64_t k = rows, inputs = 4 * k + 1 + k * std::min<int64_t>(context, run.model.V);
    arena_.declare("inputs", inputs_, {inputs}, DType::i32);
    const auto words = int64_t(bytes_of_draw(run) / sizeof(int32_t));
    arena_.declare("draws", draws_on_device_, {k * words}, DType::i32);
    arena_.declare("workspace", workspace_, {sample_workspace(k, run.model.V)}, DType::f32);
    arena_.allocate();
    staged_.reserve(size_t(inputs));
    raw_draws_.resize(draws_on_device_.bytes());
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
    const Tensor log_probs = {draws_on_device_.data, run_.accumulator(), {k}},
                 ids = {log_probs.as<char>() + log_probs.bytes(), DType::i32, {k}};
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
    ops.copy_to_host(raw_draws_.data(), draws_on_device_.data, size_t(k) * bytes_of_draw(run_), stream);
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
            const std::byte* const log_probs = raw_draws_.data();
            const std::byte* const ids = log_probs + rows.size() * size_of(run_.accumulator());
            const bool wide = run_.accumulator() == DType::f64;
            draws_[i] = {reinterpret_cast<const int32_t*>(ids)[i],
                         wide ? reinterpret_cast<const double*>(log_probs)[i]
                              : double(reinterpret_cast<const float*>(log_probs)[i])};
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
