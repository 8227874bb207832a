#include "engine/generate/cached_step.h"

#include "kernels/scalar.h"

namespace gradus {

CachedStep::CachedStep(Model& model, int S, int P, int rows)
    : model_(model), arena_(model.run.ops, "rows of generation") {
    CHECK(S > 0 && S <= rows && P > 0 && P <= model.config().context,
          "a cache of another size than the model can have");
    const int64_t V = int64_t(model.run.d.V) * model.run.tp.size;
    cache_bytes_ = model.make_cache(S, P, rows);
    arena_.declare("columns", columns_, {5 * int64_t(rows)}, DType::i32);
    arena_.declare("logits", logits_, {S, V}, model.run.dtype);
    arena_.allocate();
    rows_.reserve(size_t(rows));
    wanted_.reserve(size_t(S));
    columns_host_.reserve(5 * size_t(rows));
    logits_host_.resize(size_t(S * V));
    raw_.resize(logits_.bytes());
}

size_t CachedStep::host_bytes() const {
    return raw_.size() + logits_host_.size() * sizeof(float) + columns_host_.capacity() * sizeof(int32_t) +
           rows_.capacity() * sizeof(Row) + wanted_.capacity() * sizeof(int32_t);
}

void CachedStep::begin() {
    rows_.clear();
    wanted_.clear();
}

void CachedStep::add(const Row& row) {
    CHECK(5 * (rows_.size() + 1) <= size_t(columns_.size()), "more rows than a step can have");
    rows_.push_back(row);
}

int CachedStep::add_wanted(const Row& row) {
    CHECK(int64_t(wanted_.size()) < logits_.shape.dim[0], "more rows wanted than there are sequences");
    add(row);
    wanted_.push_back(int32_t(rows_.size()) - 1);
    return int(wanted_.size()) - 1;
}

void CachedStep::run() {
    CHECK(!rows_.empty(), "a step without rows");
    const Run& r = model_.run;
    const int64_t n = int64_t(rows_.size());
    // In the middle of a long prompt nobody asks for logits, and the model's head still needs a row to work on.
    const bool unasked = wanted_.empty();
    if (unasked) wanted_.push_back(int32_t(n) - 1);
    const int64_t k = int64_t(wanted_.size());

    columns_host_.clear();
    for (const Row& row : rows_) columns_host_.push_back(row.token);
    for (const Row& row : rows_) columns_host_.push_back(row.sequence);
    for (const Row& row : rows_) columns_host_.push_back(row.position);
    columns_host_.insert(columns_host_.end(), size_t(n), 0);  // every row attends from its sequence's first key on
    columns_host_.insert(columns_host_.end(), wanted_.begin(), wanted_.end());
    r.ops.copy_to_device(columns_.data, columns_host_.data(), columns_host_.size() * sizeof(int32_t), r.stream);

    auto column = [&](int64_t i, int64_t count) { return columns_.part(i * n, count); };
    const Tensor logits = logits_.slice(0, k);
    model_.cached({.tokens = column(0, n), .sequence = column(1, n), .position = column(2, n), .lo = column(3, n)},
                  column(4, k), logits);
    if (!unasked) r.ops.copy_to_host(raw_.data(), logits.data, logits.bytes(), r.stream);
    r.ops.synchronise(r.stream);  // also where nothing comes back: the next step fills the columns on the host again
    if (unasked) return;
    auto to_f32 = [&](const auto* from) {
        for (size_t i = 0; i < size_t(logits.size()); ++i) logits_host_[i] = float(from[i]);
    };
    if (r.dtype == DType::bf16) to_f32(reinterpret_cast<const bf16*>(raw_.data()));
    else if (r.dtype == DType::f32) to_f32(reinterpret_cast<const float*>(raw_.data()));
    else if (r.dtype == DType::f64) to_f32(reinterpret_cast<const double*>(raw_.data()));
    else check_failed("a dtype that a model can generate in", __FILE__, __LINE__, name_of(r.dtype));
}

std::span<float> CachedStep::logits(int wanted) {
    CHECK(wanted >= 0 && size_t(wanted) < wanted_.size(), "logits of a row that was not asked for");
    return {logits_host_.data() + wanted * logits_.last(), size_t(model_.config().V)};
}

}  // namespace gradus
