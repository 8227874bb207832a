#pragma once
// Time of a step: the counted work divided by the hardware's throughput.
//
//   matmuls   flops / (peak · matmul_share)
//   attention         flops / (peak · s),       s = attention_share, or narrow_attention_share for heads below 128
//   rows, update      bytes / (memory bandwidth · memory_share)
//
//   a collective of S bytes over n ranks (ring):   k · (n − 1)/n · S / B + latency,   k = 2 for an all-reduce, else 1
//   B = link_share · min(NVLink, r · network)   where the group spans nodes and has r ranks in each; NVLink inside a node
//   latency = 8.4 µs + 3.4 µs · (r − 1) + 14 µs · log₂(nodes)
//
// Exposed communication: all of tp. Of dp, the sums of gradients beyond hidden_share of the last micro-batch's backward
// pass, and everything else: the norm, and the all-gather of weights after the update (engine/exchange.h). There are no
// pipeline stages.
//
// Sources of the constants: matmul_share is fitted to two published runs, the shares of attention were measured by
// others, and memory_share, link_share and hidden_share are assumptions; docs/scaling.md compares predictions with the
// other runs. The width of a model needs no constant: it enters through attention, rows and update, which take a larger
// share when the matmuls are small. The latencies are from NCCL's model for rings (src/graph/tuning.cc).
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

// Relative errors of predictions for published runs of other engines that were not used for fitting (docs/scaling.md).
// The kernels of those engines reach the shares above; ours have not been measured.
struct PredictionError {
    int runs = 11;
    double median = 0.09, worst = 0.36;
};

// Bytes that one rank sends (and receives) over its slowest link.
double ring_bytes(const Collective&, int ranks);

// The placement of a group's ranks on nodes: `per_node` ranks on each of `nodes` nodes.
struct Placement {
    int ranks = 1, per_node = 1, nodes = 1;
};
Placement placement(const MeshSizes&, const std::string& axis, int devices_in_node);

// Seconds of one call.
double seconds_of_call(const Collective&, const Placement&, const Device&);

struct StepTime {  // seconds
    double matmul = 0, attention = 0, rows = 0, update = 0;
    double tp = 0, dp = 0;  // all communication, hidden or exposed
    double exposed_tp = 0, exposed_dp = 0;
    double compute() const { return matmul + attention + rows + update; }
    double total() const { return compute() + exposed_tp + exposed_dp; }
};

// `step`: the work of a step of `micro_batches` on one rank. peak in FLOP/s; for a device without a known memory
// bandwidth (a CPU with a given peak) the whole step takes flops / peak, where peak is the achieved rate of a whole
// step.
StepTime step_time(const Counted& step, const MeshSizes&, const Device&, double peak, int64_t micro_batches);

}  // namespace gradus
