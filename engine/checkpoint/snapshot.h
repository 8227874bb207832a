#pragma once
// The state of a run as complete logical tensors, independent of the mesh: a checkpoint is written from it.
//
// The tensors are either the run's own, or a copy in host memory that a thread can write while training continues.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/language_model.h"
#include "engine/optimizer.h"

namespace gradus {

struct LogicalTensor {
    std::string name;  // the engine's: "block.3.attention.qkv_w", "m.block.3.attention.qkv_w"
    Tensor value;      // in the shape it has on one rank
};

// A state's tensors are named after their weights, with these prefixes.
inline constexpr std::pair<const char*, Optimizer::State> optimizer_states[] = {
    {"m.", Optimizer::State::m},
    {"v.", Optimizer::State::v},
    {"master.", Optimizer::State::master},
    {"average.", Optimizer::State::average}};

struct Snapshot {
    ModelConfig model;
    DType dtype = DType::f32;  // of the weights
    std::vector<Spec> specs;   // of each weight, on one rank
    std::vector<LogicalTensor> weights;
    std::vector<LogicalTensor>
        optimizer;             // m.*, v.*, master.*, average.*, in this order; only those that the weight has
    const Ops* ops = nullptr;  // the device that has the tensors
    Stream stream = {};
    std::vector<std::unique_ptr<std::byte[]>> buffers = {};  // of a copy
    // Other models that train in the same run, by the name of their folder inside the checkpoint.
    std::vector<std::pair<std::string, Snapshot>> companions = {};

    // The same model with the moving average of its weights, which this snapshot must outlive; without weights if there is none.
    Snapshot averaged() const;

    // The model's own tensors, on one rank: valid until the next training step.
    static Snapshot of(const ModelConfig&, const Parameters&);
    static Snapshot of(const ModelConfig&, const Parameters&, Optimizer&);
    // A copy. Every rank calls it; rank 0 gets the result, the others get no tensors.
    static Snapshot copy(const ModelConfig&, const Parameters&, Optimizer&, const Mesh&);

    static Snapshot of(const LanguageModel& m) { return of(m.config(), m.parameters); }
    static Snapshot of(const LanguageModel& m, Optimizer& o) { return of(m.config(), m.parameters, o); }
    static Snapshot copy(const LanguageModel& m, Optimizer& o, const Mesh& mesh) {
        return copy(m.config(), m.parameters, o, mesh);
    }
};

}  // namespace gradus
