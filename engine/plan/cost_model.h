#pragma once
// How long a step takes: the work that counting found, divided by what the hardware can do of it.
//
//   matmuls   flops / (peak · matmul_share)
//   attention         flops / (peak · s),       s = attention_share, or narrow_attention_share for heads below 128
//   rows, update      bytes / (memory bandwidth · memory_share)
//
//   a collective of S bytes over n ranks (ring):   k · (n − 1)/n · S / B + latency,   k = 2 for an all-reduce, else 1
//   B = link_share · min(NVLink, r · network)   where the group spans nodes and has r ranks in each; NVLink inside a node
//   latency = 8.4 µs + 3.4 µs · (r − 1) + 14 µs · log₂(nodes)
//
// What is exposed: tp, all of it. dp, the sums of gradients beyond hidden_share of the last micro-batch's backward pass, and all
// of the rest: the norm, and the weights that are gathered after the update (engine/exchange.h). There are no pipeline stages.
//
// Where the constants come from: matmul_share is fitted on two published runs, the shares of attention were measured by
// others, and memory_share, link_share and hidden_share are assumptions; docs/scaling.md says what the rows that were not fitted
// show. The width of a model needs no constant of its own: it enters through attention, rows and update, which weigh more
// where the matmuls are small. The latencies are those of NCCL's model for rings (src/graph/tuning.cc).
#include "engine/mesh.h"
#include "engine/plan/counting_ops.h"
#include "engine/plan/hardware.h"

namespace gradus {

struct CostConstants {
    double matmul_share = 0.60;
    double attention_share = 0.45, narrow_attention_share = 0.28;
    double memory_share = 0.87, link_share = 0.8, hidden_share = 0.8;
    double base_latency = 8.4e-6, nvlink_latency = 3.4e-6, network_latency = 14e-6;  // s
};
const CostConstants& cost_constants();

// How far predictions were from published runs of other engines that no constant was fitted to (docs/scaling.md), as
// shares of what was measured. The kernels of those engines reach the shares above; ours have not been measured to.
struct PredictionError {
    int runs = 11;
    double median = 0.09, worst = 0.35;
};

// Bytes that one rank sends (and receives) over its slowest link.
double ring_bytes(const Collective&, int ranks);

// How a group lies on the nodes: its ranks stand `stride` apart, so many on each of `nodes` nodes.
struct Placement {
    int ranks = 1, per_node = 1, nodes = 1;
};
Placement placement(const MeshSizes&, const std::string& axis, int devices_in_node);

// Seconds of one call.
double seconds_of_call(const Collective&, const Placement&, const Device&);

struct StepTime {  // seconds
    double matmul = 0, attention = 0, rows = 0, update = 0;
    double tp = 0, dp = 0;  // of the collectives, whether hidden or not
    double exposed_tp = 0, exposed_dp = 0;
    double compute() const { return matmul + attention + rows + update; }
    double total() const { return compute() + exposed_tp + exposed_dp; }
};

// `step`: all of a step on one rank; `micro_batches` in it. peak in FLOP/s; where the device has no memory bandwidth (a
// CPU whose peak was given) the whole step is flops / peak, which then is what the whole step reaches.
StepTime step_time(const Counted& step, const MeshSizes&, const Device&, double peak, int64_t micro_batches);

}  // namespace gradus
