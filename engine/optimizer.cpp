#include "engine/optimizer.h"

#include <algorithm>
#include <cmath>

#include "engine/base/philox.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

namespace {

Tensor part(Tensor flat, int64_t first, int64_t count) {
    return flat.view({flat.size(), 1}).slice(first, count).view({count});
}

}  // namespace

Optimizer::Optimizer(Model& model, const OptimizerConfig& config)
    : model_(model),
      config_(config),
      masters_(model.run.ops, "masters"),
      m_(model.run.ops, "first moments"),
      v_(model.run.ops, "second moments"),
      scalars_(model.run.ops, "norms") {
    const DType dtype = model.run.accumulator();
    const bool own_masters = dtype != model.run.dtype;
    const auto& entries = model.params.entries();
    views_.resize(3 * entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
        const auto& e = entries[i];
        if (own_masters) masters_.declare(e.name, views_[3 * i], e.shape, dtype, e.group);
        m_.declare(e.name, views_[3 * i + 1], e.shape, dtype, e.group);
        v_.declare(e.name, views_[3 * i + 2], e.shape, dtype, e.group);
    }
    plan();
    masters_.allocate();
    m_.allocate();
    v_.allocate();
    scalars_.declare("total", total_, {1}, DType::f64);
    scalars_.declare("scale", scale_, {1}, DType::f64);
    int64_t workspace = 0;
    for (const Matrix& x : matrices_) workspace = std::max(workspace, muon_workspace(x.rows, x.columns));
    if (workspace > 0) scalars_.declare("workspace of Muon", workspace_, {workspace}, dtype);
    scalars_.allocate();

    masters_from_weights();
}

// Who updates what. The gaps that alignment leaves between weights hold zeros and stay zero under AdamW.
void Optimizer::plan() {
    const std::vector<Weight>& weights = model_.weights();
    const int64_t end = model_.params.flat().size();
    bool open = false;  // the last range ends where the next weight begins
    for (size_t i = 0; i < weights.size(); ++i) {
        const Weight& w = weights[i];
        const int64_t next = i + 1 < weights.size() ? weights[i + 1].first : end;
        const bool decayed = w.spec.decayed();
        if (config_.kind == OptimizerKind::muon && decayed && w.name.rfind("block.", 0) == 0) {
            const int64_t columns = w.spec.shape.dim[1];
            int64_t row = 0;
            for (int64_t rows : w.spec.parts[0] ? w.spec.parts : std::array<int64_t, 3>{w.spec.shape.dim[0]}) {
                if (rows > 0) matrices_.push_back({w.first + row * columns, rows, columns});
                row += rows;
            }
            open = false;
        } else {
            if (!open || ranges_.back().decayed != decayed) ranges_.push_back({w.first, 0, decayed});
            ranges_.back().count = next - ranges_.back().first;
            open = true;
        }
    }
}

void Optimizer::masters_from_weights() {
    if (masters_.bytes()) model_.run.ops.cast({.y = masters_.flat(), .x = model_.params.flat()}, model_.run.stream);
}

void Optimizer::weights_from_masters() {
    if (masters_.bytes()) model_.run.ops.cast({.y = model_.params.flat(), .x = masters_.flat()}, model_.run.stream);
}

void Optimizer::step(int64_t step, double lr) {
    const Ops& ops = model_.run.ops;
    const Stream s = model_.run.stream;
    const Tensor params = model_.params.flat(), grads = model_.grads.flat();
    const bool rounds = masters_.bytes() > 0;  // the model computes with rounded copies
    const Tensor masters = rounds ? masters_.flat() : params;

    ops.zero(total_.data, total_.bytes(), s);
    ops.square_sum({.total = total_, .x = grads}, s);
    ops.clip_scale({.scale = scale_, .total = total_, .max_norm = config_.clip}, s);
    for (const Range& r : ranges_)
        ops.adamw({.master = part(masters, r.first, r.count), .m = part(m_.flat(), r.first, r.count),
                   .v = part(v_.flat(), r.first, r.count), .param = rounds ? part(params, r.first, r.count) : Tensor{},
                   .grad = part(grads, r.first, r.count), .scale = scale_, .lr = lr, .beta1 = config_.beta1,
                   .beta2 = config_.beta2, .eps = config_.eps, .decay = r.decayed ? config_.weight_decay : 0,
                   .step = step + 1,
                   .rounding_key = config_.stochastic_rounding ? key_of(config_.seed, step) | 1 : 0, .first = r.first}, s);
    if (matrices_.empty()) return;
    std::vector<MuonMatrix> list;
    for (const Matrix& x : matrices_) {
        auto matrix = [&x](Tensor flat) { return part(flat, x.first, x.rows * x.columns).view({x.rows, x.columns}); };
        list.push_back({.master = matrix(masters), .m = matrix(m_.flat()), .param = rounds ? matrix(params) : Tensor{},
                        .grad = matrix(grads)});
    }
    ops.muon({.matrices = list, .scale = scale_, .workspace = workspace_, .lr = lr, .beta = config_.momentum,
              .decay = config_.weight_decay}, s);
}

double Optimizer::norm() {
    double total = 0;
    model_.run.ops.copy_to_host(&total, total_.data, sizeof total, model_.run.stream);
    model_.run.ops.synchronise(model_.run.stream);
    return std::sqrt(total);
}

}  // namespace gradus
