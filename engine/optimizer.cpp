#include "engine/optimizer.h"

#include <algorithm>
#include <cmath>

#include "engine/base/philox.h"
#include "kernels/elementwise.h"
#include "kernels/muon.h"
#include "kernels/optimizer.h"

// Calls are aligned by hand.
// clang-format off
namespace gradus {

OptimizerKind optimizer_named(const std::string& kind) {
    return kind == "muon" ? OptimizerKind::muon : OptimizerKind::adamw;
}

Optimizer::Optimizer(Parameters& parameters, const OptimizerConfig& config, const Mesh& mesh)
    : parameters_(parameters),
      config_(config),
      exchange_(parameters, mesh, config.sharded && config.kind != OptimizerKind::muon),
      masters_(parameters.runtime.ops, "masters"),
      m_(parameters.runtime.ops, "first moments"),
      v_(parameters.runtime.ops, "second moments"),
      average_(parameters.runtime.ops, "average"),
      scalars_(parameters.runtime.ops, "norms") {
    plan();
    allocate();
    masters_from_weights();
}

bool Optimizer::uses_muon(const Weight& w) const {
    return config_.kind == OptimizerKind::muon && w.spec.decayed() && w.name.rfind("block.", 0) == 0;
}

// Assigns weights to AdamW or Muon. The padding between weights is zero and stays zero under AdamW.
void Optimizer::plan() {
    const std::vector<Weight>& weights = parameters_.weights();
    const auto& buckets = parameters_.values.buckets();
    const bool rounds = runtime().accumulator() != runtime().dtype;  // there are masters beside the weights
    int64_t first_m = 0, first_v = 0;
    for (size_t b = 0, i = 0; b < buckets.size(); ++b) {
        const Arena::Range own = exchange_.own(b);
        const int64_t end_of_bucket = buckets[b].first + buckets[b].count, end = own.first + own.count;
        for (; i < weights.size() && weights[i].first < end_of_bucket; ++i) {
            const Weight& w = weights[i];
            const bool last = i + 1 == weights.size() || weights[i + 1].first >= end_of_bucket;
            const int64_t next = last ? end_of_bucket : weights[i + 1].first;
            first_v_.push_back(uses_muon(w) ? -1 : first_v + std::clamp(w.first, own.first, end) - own.first);
            if (uses_muon(w)) {
                first_v -= next - w.first;
                continue;
            }
            const int64_t from = std::max(w.first, own.first), to = std::min(next, end);
            if (from >= to) continue;
            const int64_t m = first_m + from - own.first;
            const AdamWRange r = {.count = to - from, .master = rounds ? m : from, .m = m, .v = first_v + from - own.first,
                                  .param = from, .decayed = w.spec.decayed()};
            AdamWRange* before = ranges_.empty() ? nullptr : &ranges_.back();
            if (before && before->decayed == r.decayed && before->param + before->count == r.param &&
                before->m + before->count == r.m && before->v + before->count == r.v)
                before->count += r.count;
            else ranges_.push_back(r);
        }
        first_m += own.count;
        first_v += own.count;
    }
}

void Optimizer::allocate() {
    const DType dtype = runtime().accumulator();
    int64_t own = 0, with_v = 0;
    for (size_t b = 0; b < parameters_.values.buckets().size(); ++b) own += exchange_.own(b).count;
    for (const AdamWRange& r : ranges_) with_v += r.count;
    if (dtype != runtime().dtype) masters_.declare("masters", all_masters_, {own}, dtype);
    if (config_.average > 0) average_.declare("average", all_average_, {own}, dtype);
    m_.declare("m", all_m_, {own}, dtype);
    v_.declare("v", all_v_, {with_v}, dtype);
    masters_.allocate();
    m_.allocate();
    v_.allocate();
    average_.allocate();

    for (size_t i = 0; i < parameters_.weights().size(); ++i) {
        const Weight& w = parameters_.weights()[i];
        if (!uses_muon(w)) continue;
        const Tensor m = access(State::m).of(i), master = all_masters_ ? access(State::master).of(i) : w.value;
        int64_t row = 0;
        for (int64_t rows : w.spec.parts[0] ? w.spec.parts : std::array<int64_t, 3>{w.spec.shape.dim[0]}) {
            if (rows > 0)
                matrices_.push_back({.master = master.slice(row, rows), .m = m.slice(row, rows),
                                     .param = all_masters_ ? w.value.slice(row, rows) : Tensor{},
                                     .grad = w.grad.slice(row, rows)});
            row += rows;
        }
    }
    scalars_.declare("total", total_, {1}, DType::f64);
    scalars_.declare("parts of the total", parts_, {square_sum_parts}, DType::f64);
    scalars_.declare("scale", scale_, {1}, DType::f64);
    if (!matrices_.empty()) scalars_.declare("workspace of Muon", workspace_, {muon_workspace(matrices_)}, runtime().dtype);
    scalars_.allocate();
}

void Optimizer::take_own_parts(Tensor own_parts, Tensor whole) {
    int64_t at = 0;
    for (size_t b = 0; b < parameters_.values.buckets().size(); ++b) {
        const Arena::Range own = exchange_.own(b);
        runtime().ops.cast({.y = own_parts.part(at, own.count), .x = whole.part(own.first, own.count)}, runtime().stream);
        at += own.count;
    }
}

void Optimizer::masters_from_weights() {
    if (all_masters_) take_own_parts(all_masters_, parameters_.values.flat());
}

void Optimizer::weights_from_masters() {
    if (!all_masters_) return;
    const Tensor params = parameters_.values.flat();
    int64_t at = 0;
    for (size_t b = 0; b < parameters_.values.buckets().size(); ++b) {
        const Arena::Range own = exchange_.own(b);
        runtime().ops.cast({.y = params.part(own.first, own.count), .x = all_masters_.part(at, own.count)},
                            runtime().stream);
        at += own.count;
    }
    exchange_.gather(params, params);
}

void Optimizer::begin_average() {
    if (!all_average_ || average_began_) return;
    if (all_masters_) runtime().ops.cast({.y = all_average_, .x = all_masters_}, runtime().stream);
    else take_own_parts(all_average_, parameters_.values.flat());
    average_began_ = true;
}

void Optimizer::update_average() {
    if (!all_average_) return;
    const Tensor params = parameters_.values.flat();
    int64_t at = 0;
    for (size_t b = 0; b < parameters_.values.buckets().size(); ++b) {
        const Arena::Range own = exchange_.own(b);
        runtime().ops.average({.average = all_average_.part(at, own.count),
                               .x = all_masters_ ? all_masters_.part(at, own.count) : params.part(own.first, own.count),
                               .rate = 1 - config_.average}, runtime().stream);
        at += own.count;
    }
}

Tensor Optimizer::squared_norm() {
    CHECK(!accessed_, "a step while the state of the optimizer is in use");
    exchange_.norm(total_, parts_);
    return total_;
}

StepValues Optimizer::step_values(int64_t step, double lr) const {
    return {.lr = lr, .correction1 = bias_correction(config_.beta1, step + 1),
            .correction2 = bias_correction(config_.beta2, step + 1),
            .rounding_key = config_.stochastic_rounding ? key_of(config_.seed, step) | 1 : 0};
}

void Optimizer::update(int64_t step) {
    const Ops& ops = runtime().ops;
    const Stream s = runtime().stream;
    const Tensor params = parameters_.values.flat(), grads = parameters_.grads.flat();
    const bool rounds = bool(all_masters_);  // the weights are rounded copies of the masters
    const double eps = config_.eps_form == EpsForm::torch
                           ? config_.eps : config_.eps / std::sqrt(bias_correction(config_.beta2, step + 1));
    begin_average();
    ops.clip_scale({.scale = scale_, .total = total_, .max_norm = config_.clip}, s);
    if (!ranges_.empty())
        ops.adamw({.master = rounds ? all_masters_ : params, .m = all_m_, .v = all_v_, .param = rounds ? params : Tensor{},
                   .grad = grads, .scale = scale_, .step_values = runtime().step.values, .beta1 = config_.beta1,
                   .beta2 = config_.beta2, .eps = eps, .decay = config_.weight_decay, .ranges = ranges_}, s);
    if (!matrices_.empty())
        ops.muon({.matrices = matrices_, .scale = scale_, .workspace = workspace_, .step_values = runtime().step.values,
                  .beta = config_.momentum, .decay = config_.weight_decay}, s);
    update_average();
    exchange_.gather(params, params);
}

const Tensor& Optimizer::arena_of(State state) const {
    switch (state) {
        case State::master: return all_masters_;
        case State::m: return all_m_;
        case State::v: return all_v_;
        case State::average: return all_average_;
    }
    CHECK(false);
    return all_m_;
}

bool Optimizer::has(State state, size_t i) const {
    return bool(arena_of(state)) && (state != State::v || first_v_[i] >= 0);
}

Optimizer::StateAccess Optimizer::access(State state) {
    CHECK(!accessed_, "the state of the optimizer is in use");
    accessed_ = true;
    return {*this, state};
}

Optimizer::StateAccess Optimizer::read(State state) {
    if (state == State::average) begin_average();
    if (exchange_.sharded() && arena_of(state)) exchange_.gather(parameters_.grads.flat(), arena_of(state));
    return access(state);
}

Optimizer::StateAccess Optimizer::write(State state) { return access(state); }

Tensor Optimizer::StateAccess::of(size_t i) const {
    if (!optimizer_.has(state_, i)) return {};
    const Weight& w = optimizer_.parameters_.weights()[i];
    if (optimizer_.sharded()) return w.grad;
    const int64_t first = state_ == State::v ? optimizer_.first_v_[i] : w.first;
    return optimizer_.arena_of(state_).part(first, w.value.size()).view(w.spec.shape);
}

void Optimizer::StateAccess::store() {
    const Tensor& own = optimizer_.arena_of(state_);
    if (optimizer_.sharded() && own) optimizer_.take_own_parts(own, optimizer_.parameters_.grads.flat());
    if (state_ == State::average) optimizer_.average_began_ = bool(own);
}

}  // namespace gradus
