#pragma once
// Estimates a run's requirements before it starts: parameters, memory by arena, work, communication, time, cost.
//
// Memory and work are not computed with separate formulas: make_plan() builds the rank's real Model and Trainer on a
// table that only counts, runs a step, and reads their arenas (engine/plan/counting_ops.h). Time is an estimate from a
// model of the hardware (engine/plan/cost_model.h), and only for devices of known speed.
//
// Units: bytes, FLOP, tokens, seconds unless a name says otherwise. Formulas of FLOPs for a token, where N is the
// number of parameters and L, H, D, T the layers, heads, width of a head and context:
//   6N                      forward and backward of all matmuls
//   6N + 6·L·H·D·T          plus causal attention, half of the T x T scores (llm.c)
//   6N + 12·L·H·D·T         plus full attention (Chowdhery et al. 2022, PaLM, appendix B)
#include "engine/plan/cost_model.h"
#include "engine/resolve.h"

namespace gradus {

struct PlanRequest {
    Config config;  // as written; data.dir and run.dir may be missing. mesh.dp = 0: the devices that mesh.tp leaves
    DataFacts data;
    std::optional<ModelConfig> base;  // of model.from
    Devices devices;
    double memory_gib = 0;    // of a device; 0: from the table
    double tflops = 0;        // peak of a device for train.dtype; 0: from the table
    double price = 0;         // of a device per hour, in any currency; 0: unknown
    int threads = 1;          // of a rank on a CPU
    double mapped_bytes = 0;  // of the shards that a rank on a CPU maps
};

struct ParameterCounts {
    int64_t token_embedding = 0, positions = 0, attention = 0, feed_forward = 0, norms = 0, head = 0;
    int64_t total() const { return token_embedding + positions + attention + feed_forward + norms + head; }
    int64_t without_embeddings() const { return attention + feed_forward + norms; }
};

struct MemoryPlan {  // bytes on one rank
    double params = 0;
    double masters = 0, moments = 0;  // of the optimizer
    double gradients = 0;
    double activations = 0;    // kept from forward to backward
    double workspace = 0;      // gradients of activations, logits of a chunk, norms, Muon's workspace, padding
    double communication = 0;  // buffers of messages
    double inputs = 0;         // tokens, targets, losses
    double validation = 0;     // inputs of validation
    double samples = 0;        // KV cache and rows of samples, or of the answers of a policy
    double other_models = 0;   // of a stage after pre-training: value model with its optimizer, reference, reward model
    double process = 0;        // driver and libraries; on a CPU also kernels' scratch, the host's batches, mapped files
    double checkpoint = 0;     // on a CPU, on the first rank: the copy of the state for background checkpoints
    double total() const {
        return params + masters + moments + gradients + activations + workspace + communication + inputs + validation +
               samples + other_models + process + checkpoint;
    }
};

struct FlopsPerToken {
    double parameters = 0, causal = 0, full = 0;  // the three formulas above, in order
    double counted = 0;                           // all ops of a step, with recomputation and the update
};

struct CollectivePlan {
    Collective what;  // calls in a step
    int ranks = 1;
    double ring_bytes = 0;  // that a rank sends, in one call
    double seconds = 0;     // of one call; 0: not known
};

struct Plan {
    Resolved resolved;
    Device device;
    MeshSizes mesh;
    int ranks = 1;
    bool sharded = false;       // the optimizer's state
    int64_t sequences = 0;      // of a step, on one dp rank
    int64_t micro_batches = 0;  // of a step, on one rank
    ParameterCounts parameters, parameters_of_rank;
    MemoryPlan memory;
    double host_of_first_rank = 0;  // bytes of host memory, for the copy of the state for background checkpoints
    double memory_limit = 0;        // of a device; 0: not known
    bool fits() const { return memory_limit == 0 || memory.total() <= memory_limit; }
    FlopsPerToken flops;
    Counted step;  // of one rank
    std::vector<CollectivePlan> collectives;

    double peak = 0;  // FLOP/s of a device for the dtype; 0: unknown, as are the members below
    StepTime time;
    double tokens_per_second() const { return double(resolved.tokens_per_step) / time.total(); }
    double mfu() const { return flops.causal * tokens_per_second() / (peak * ranks); }  // 6N + 6·L·H·D·T
    double hours() const { return time.total() * double(resolved.config.train.steps) / 3600; }
    double price = 0;
    double cost() const { return price * ranks * hours(); }
};

Plan make_plan(const PlanRequest&);

// A changed setting and its effect.
struct Alternative {
    std::vector<std::string> arguments;  // "--set train.micro_batch=4", "--mesh tp=2"
    double total = 0, saved = 0;         // bytes on a rank
    bool fits = false;
};
// For a plan that does not fit: changes that save memory, each alone, largest saving first; and last, if none is
// sufficient alone, the first combination that fits, if any.
std::vector<Alternative> alternatives(const PlanRequest&, const Plan&);

}  // namespace gradus
