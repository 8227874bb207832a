#include "engine/optimizer.h"

#include <algorithm>
#include <cmath>

#include "engine/base/philox.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

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
    const std::vector<Weight>& weights = model.weights();
    states_.resize(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
        const auto& e = entries[i];
        CHECK(e.name == weights[i].name, "weights are in the order of their memory");
        if (own_masters) masters_.declare(e.name, states_[i].master, e.shape, dtype, e.group);
        m_.declare(e.name, states_[i].m, e.shape, dtype, e.group);
        if (!is_muons(weights[i])) v_.declare(e.name, states_[i].v, e.shape, dtype, e.group);
    }
    masters_.allocate();
    m_.allocate();
    v_.allocate();
    plan();
    scalars_.declare("total", total_, {1}, DType::f64);
    scalars_.declare("scale", scale_, {1}, DType::f64);
    if (!matrices_.empty()) scalars_.declare("workspace of Muon", workspace_, {muon_workspace(matrices_)}, dtype);
    scalars_.allocate();

    masters_from_weights();
}

bool Optimizer::is_muons(const Weight& w) const {
    return config_.kind == OptimizerKind::muon && w.spec.decayed() && w.name.rfind("block.", 0) == 0;
}

// Who updates what. The gaps that alignment leaves between weights hold zeros and stay zero under AdamW.
void Optimizer::plan() {
    const std::vector<Weight>& weights = model_.weights();
    const int64_t end = model_.params.flat().size();
    int64_t first_v = 0;
    bool open = false;  // the last range ends where the next weight begins
    for (size_t i = 0; i < weights.size(); ++i) {
        const Weight& w = weights[i];
        const int64_t next = i + 1 < weights.size() ? weights[i + 1].first : end;
        if (is_muons(w)) {
            const bool rounds = masters_.bytes() > 0;
            const Tensor master = rounds ? states_[i].master : w.value;
            int64_t row = 0;
            for (int64_t rows : w.spec.parts[0] ? w.spec.parts : std::array<int64_t, 3>{w.spec.shape.dim[0]}) {
                if (rows > 0)
                    matrices_.push_back({.master = master.slice(row, rows), .m = states_[i].m.slice(row, rows),
                                         .param = rounds ? w.value.slice(row, rows) : Tensor{},
                                         .grad = w.grad.slice(row, rows)});
                row += rows;
            }
            open = false;
        } else {
            const bool decayed = w.spec.decayed();
            if (!open || ranges_.back().decayed != decayed) ranges_.push_back({w.first, 0, first_v, decayed});
            ranges_.back().count = next - ranges_.back().first;
            first_v += next - w.first;
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
        ops.adamw({.master = masters.part(r.first, r.count), .m = m_.flat().part(r.first, r.count),
                   .v = v_.flat().part(r.first_v, r.count), .param = rounds ? params.part(r.first, r.count) : Tensor{},
                   .grad = grads.part(r.first, r.count), .scale = scale_, .lr = lr, .beta1 = config_.beta1,
                   .beta2 = config_.beta2, .eps = config_.eps, .decay = r.decayed ? config_.weight_decay : 0,
                   .step = step + 1,
                   .rounding_key = config_.stochastic_rounding ? key_of(config_.seed, step) | 1 : 0, .first = r.first}, s);
    if (!matrices_.empty())
        ops.muon({.matrices = matrices_, .scale = scale_, .workspace = workspace_, .lr = lr, .beta = config_.momentum,
                  .decay = config_.weight_decay}, s);
}

double Optimizer::norm() {
    double total = 0;
    model_.run.ops.copy_to_host(&total, total_.data, sizeof total, model_.run.stream);
    model_.run.ops.synchronise(model_.run.stream);
    return std::sqrt(total);
}

}  // namespace gradus
