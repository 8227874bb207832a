#include "engine/generate/cached_step.h"

#include <algorithm>
#include <bit>

#include "kernels/scalar.h"

namespace gradus {

CachedStep::CachedStep(LanguageModel& model, int S, int P, int rows)
    : model_(model),
      cache_(model.body->make_cache(S, P, rows)),
      arena_(model.run.ops, "rows of generation"),
      steps_(model.run) {
    CHECK(S > 0 && S <= rows && P > 0 && P <= model.config().context,
          "the model does not support a cache of this size");
    const int64_t Vr = model.run.d.V, R = model.run.tp.size;
    arena_.declare("columns", columns_, {5 * int64_t(rows)}, DType::i32);
    arena_.declare("logits", own_logits_, {S, Vr}, model.run.dtype);
    if (R > 1) arena_.declare("all logits", all_logits_, {R * S, Vr}, model.run.dtype);
    arena_.allocate();
    rows_.reserve(size_t(rows));
    wanted_.reserve(size_t(S));
    columns_host_.reserve(5 * size_t(rows));
}

size_t CachedStep::host_bytes() const {
    return columns_host_.capacity() * sizeof(int32_t) + rows_.capacity() * sizeof(Row) +
           wanted_.capacity() * sizeof(int32_t);
}

void CachedStep::wait() {
    if (busy_) model_.run.ops.synchronise(model_.run.stream);
    busy_ = false;
}

void CachedStep::begin() {
    wait();
    rows_.clear();
    wanted_.clear();
    padding_ = 0;
}

void CachedStep::add(const Row& row) {
    CHECK(5 * (rows_.size() + 1) <= size_t(columns_.size()), "more rows than a step can have");
    rows_.push_back(row);
}

int CachedStep::add_wanted(const Row& row) {
    CHECK(int64_t(wanted_.size()) < own_logits_.shape.dim[0], "more rows wanted than there are sequences");
    add(row);
    wanted_.push_back(int32_t(rows_.size()) - 1);
    return int(wanted_.size()) - 1;
}

void CachedStep::add_padding(int32_t sequence) {
    add_wanted({.token = 0, .sequence = sequence, .position = 0});
    ++padding_;
}

// Devices with graphs pad whether they are used or not, so that the matmuls are the same. With tp the logits of the wanted
// rows would not be contiguous.
int CachedStep::padded_rows(int rows) const {
    if (!model_.run.ops.has_graphs() || model_.run.tp.size > 1) return rows;
    constexpr int most_of_powers = 8;
    const int padded = rows <= most_of_powers ? int(std::bit_ceil(unsigned(rows)))
                                              : (rows + most_of_powers - 1) / most_of_powers * most_of_powers;
    return std::min(padded, int(own_logits_.shape.dim[0]));
}

void CachedStep::run() {
    CHECK(!rows_.empty(), "a step without rows");
    const Run& r = model_.run;
    const int64_t n = int64_t(rows_.size());
    const int64_t k = int64_t(wanted_.size());  // 0 in the middle of a long prompt

    columns_host_.clear();
    for (const Row& row : rows_) columns_host_.push_back(row.token);
    for (const Row& row : rows_) columns_host_.push_back(row.sequence);
    for (const Row& row : rows_) columns_host_.push_back(row.position);
    columns_host_.insert(columns_host_.end(), size_t(n), 0);  // lo: every row attends from its sequence's first key
    columns_host_.insert(columns_host_.end(), wanted_.begin(), wanted_.end());
    r.ops.copy_to_device(columns_.data, columns_host_.data(), columns_host_.size() * sizeof(int32_t), r.stream);
    if (k == n) steps_.run(n, [&] { forward(n, n); });
    else forward(n, k);
    busy_ = true;
    fetched_ = false;
}

// Reads the columns.
void CachedStep::forward(int64_t n, int64_t k) {
    const Run& r = model_.run;
    auto column = [&](int64_t i, int64_t count) { return columns_.part(i * n, count); };
    const Tensor hidden = model_.body->forward_cached(
        *cache_, {.tokens = column(0, n), .sequence = column(1, n), .position = column(2, n), .lo = column(3, n)},
        k > 0 ? column(4, k) : Tensor{});
    if (k == 0) return;
    const Tensor own_logits = own_logits_.slice(0, k);
    model_.head.logits(own_logits, hidden);
    if (all_logits_) r.tp.all_gather(all_logits_.slice(0, r.tp.size * k), own_logits, r.stream);
}

Tensor CachedStep::device_logits() const {
    const int64_t R = model_.run.tp.size, k = int64_t(wanted_.size()) - padding_, Vr = own_logits_.last();
    return (R == 1 ? own_logits_.slice(0, k) : all_logits_.slice(0, R * k)).view({R, k, Vr});
}

std::span<const float> CachedStep::logits(int wanted) {
    CHECK(wanted >= 0 && int64_t(wanted) < int64_t(wanted_.size()) - padding_, "logits of a row that is not wanted");
    const Run& r = model_.run;
    const Tensor all = device_logits();
    const int64_t R = r.tp.size, k = all.shape.dim[1], Vr = own_logits_.last();
    if (!fetched_) {
        raw_logits_.resize(all.bytes());
        r.ops.copy_to_host(raw_logits_.data(), all.data, raw_logits_.size(), r.stream);
        r.ops.synchronise(r.stream);
        fetched_ = true;
    }
    logits_host_.resize(size_t(R * Vr));
    auto convert = [&](const auto* from) {  // from slices of the vocabulary to a whole row
        for (int64_t i = 0; i < R * Vr; ++i) logits_host_[size_t(i)] = float(from[(i / Vr * k + wanted) * Vr + i % Vr]);
    };
    if (r.dtype == DType::bf16) convert(reinterpret_cast<const bf16*>(raw_logits_.data()));
    else if (r.dtype == DType::f32) convert(reinterpret_cast<const float*>(raw_logits_.data()));
    else if (r.dtype == DType::f64) convert(reinterpret_cast<const double*>(raw_logits_.data()));
    else check_failed("a dtype that a model can generate in", __FILE__, __LINE__, name_of(r.dtype));
    return {logits_host_.data(), size_t(model_.config().V)};
}

}  // namespace gradus
