#include "engine/plan/cost_model.h"

#include <algorithm>
#include <cmath>

namespace gradus {

const CostConstants& cost_constants() {
    static const CostConstants constants;
    return constants;
}

double ring_bytes(const Collective& c, int ranks) {
    if (ranks == 1) return 0;
    const double passes = c.kind == "all-reduce" ? 2 : 1;
    return passes * (ranks - 1) / ranks * c.bytes;
}

Placement placement(const MeshSizes& sizes, const std::string& name, int devices_in_node) {
    Placement p;
    int stride = 1;
    for (size_t i = std::size(mesh_axes); i-- > 0;) {
        const MeshAxis& axis = mesh_axes[i];
        const int n = sizes.*axis.size;
        if (name == axis.name) {
            p.ranks = n;
            p.per_node = std::clamp(devices_in_node / stride, 1, n);
            p.nodes = (n + p.per_node - 1) / p.per_node;
            return p;
        }
        stride *= n;
        if (name == "world") p.ranks = stride;
    }
    p.per_node = std::min(p.ranks, devices_in_node);
    p.nodes = (p.ranks + p.per_node - 1) / p.per_node;
    return p;
}

double seconds_of_call(const Collective& c, const Placement& p, const Device& d) {
    if (p.ranks == 1) return 0;
    const CostConstants& k = cost_constants();
    const double link = p.nodes == 1 ? d.nvlink_gbs : std::min(d.nvlink_gbs, p.per_node * d.network_gbs);
    return ring_bytes(c, p.ranks) / (k.link_share * link * 1e9) + k.base_latency + k.nvlink_latency * (p.per_node - 1) +
           k.network_latency * std::log2(double(p.nodes));
}

StepTime step_time(const Counted& step, const MeshSizes& mesh, const Device& d, double peak, int64_t micro_batches) {
    const CostConstants& k = cost_constants();
    StepTime t;
    if (d.memory_gbs == 0) {
        t.matmul = step.flops() / peak;
        return t;
    }
    t.matmul = step.work[size_t(Work::matmul)].flops / (peak * k.matmul_share);
    t.attention = step.work[size_t(Work::attention)].flops /
                  (peak * (step.head_width < 128 ? k.narrow_attention_share : k.attention_share));
    const double bandwidth = d.memory_gbs * 1e9 * k.memory_share;
    t.rows = step.work[size_t(Work::rows)].bytes / bandwidth;
    t.update = step.work[size_t(Work::update)].bytes / bandwidth;

    double beside_backward = 0;
    for (const Collective& c : step.collectives) {
        const double seconds = c.calls * seconds_of_call(c, placement(mesh, c.axis, d.node), d);
        (c.axis == "dp" ? t.dp : t.tp) += seconds;
        // Sums of buckets, but not of the norm, a single number.
        if (c.axis == "dp" && (c.kind == "reduce-scatter" || c.kind == "all-reduce") && c.bytes > sizeof(double))
            beside_backward += seconds;
    }
    t.exposed_tp = t.tp;
    const double backward = (t.matmul + t.attention + t.rows) / double(micro_batches) * 2 / 3;
    t.exposed_dp = t.dp - std::min(beside_backward, k.hidden_share * backward);
    return t;
}

}  // namespace gradus
