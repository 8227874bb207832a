#pragma once
// The state of a run as logical tensors, whole whatever the mesh: what a checkpoint is written from.
//
// Either they lie where the run has them, or they are a copy in host memory that a thread can write while training goes on.
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

// What the tensors of a state are called: the prefix of the name of the weight that they belong to.
inline constexpr std::pair<const char*, Optimizer::State> optimizer_states[] = {
    {"m.", Optimizer::State::m}, {"v.", Optimizer::State::v}, {"master.", Optimizer::State::master}};

struct Snapshot {
    ModelConfig model;
    DType dtype = DType::f32;  // of the weights
    std::vector<Spec> specs;   // of each weight, on one rank
    std::vector<LogicalTensor> weights;
    std::vector<LogicalTensor> optimizer;  // m.*, then v.*, then master.*; a weight lacks those that it does not have
    const Ops* ops = nullptr;              // whose memory the tensors lie in
    Stream stream = {};
    std::vector<std::unique_ptr<std::byte[]>> buffers = {};  // of a copy

    // The tensors of a model on one rank, where they are: valid until it trains on.
    static Snapshot of(const ModelConfig&, const Parameters&);
    static Snapshot of(const ModelConfig&, const Parameters&, Optimizer&);
    // A copy. Every rank calls; the first one of the mesh has the result, the others have no tensors.
    static Snapshot copy(const ModelConfig&, const Parameters&, Optimizer&, const Mesh&);

    static Snapshot of(const LanguageModel& m) { return of(m.config(), m.parameters); }
    static Snapshot of(const LanguageModel& m, Optimizer& o) { return of(m.config(), m.parameters, o); }
    static Snapshot copy(const LanguageModel& m, Optimizer& o, const Mesh& mesh) {
        return copy(m.config(), m.parameters, o, mesh);
    }
};

}  // namespace gradus
