#pragma once
// Tiny models that several ranks train, and the same training on one rank, which every rank can do for itself.
#include <functional>
#include <vector>

#include "engine/comm_mpi/mpi_world.h"
#include "tests/comm_mpi/ranks/scenarios.h"
#include "tests/engine/models.h"

namespace gradus {

extern const std::vector<Scenario> training_scenarios, checkpoint_scenarios, stability_scenarios, device_scenarios;

// Sizes that four ranks can divide, but for the vocabulary, whose last share is shorter.
ModelConfig shared_gpt2();
ModelConfig shared_llama(int kv_heads);  // 8 heads

// Dropout, label smoothing, z-loss, accumulation and packed documents.
struct Course {
    ModelConfig model;
    const Ops& ops = reference_ops();
    DType dtype = DType::f64;
    bool sharded = true, recompute = false;
    double dropout = 0.1;
    double lr = 1e-3, clip = 1;
    bool decay_alone = false;  // bf16 weights that only decay, and are rounded by chance: no sum of ranks is in them
};
constexpr int batch = 8, context = 12;

class Training {
public:
    Training(const Course&, const Mesh&, int micro_batch = 1);

    std::vector<StepResult> steps(int64_t from, int64_t to);
    std::vector<double> losses(int64_t from, int64_t to);

    // Gradients of step 0, as they are before the update: of each weight the whole, on the first rank of the mesh.
    std::vector<std::vector<double>> gradients();

    Mesh mesh;
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;
    NextBatch samples;
};

NextBatch samples_of(int V);

// max |a − b| / max(|b|, floor); a NaN is the worst of all.
double worst_relative(const std::vector<double>& a, const std::vector<double>& b, double floor = 1e-300);

// A mesh of this rank and its neighbours: the ranks are cut into groups of as many as the mesh has. Every rank of the world
// calls, with the same sizes.
Mesh mesh_among(MpiWorld&, const MeshSizes&);

// The meshes of at most so many ranks that divide them.
std::vector<MeshSizes> meshes_of(int ranks);

}  // namespace gradus
