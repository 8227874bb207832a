#pragma once
// Training of tiny models on several ranks, and the same training on one rank, which every rank can run by itself.
#include <functional>
#include <vector>

#include "engine/comm_mpi/mpi_world.h"
#include "tests/comm_mpi/ranks/scenarios.h"
#include "tests/engine/models.h"

namespace gradus {

extern const std::vector<Scenario> training_scenarios, checkpoint_scenarios, stability_scenarios, device_scenarios;

// Sizes that four ranks can divide, except the vocabulary, whose last part is smaller.
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
    bool decay_alone = false;  // bf16 weights that only decay, with stochastic rounding: independent of sums over ranks
};
constexpr int batch = 8, context = 12;

class Training {
public:
    Training(const Course&, const Mesh&, int micro_batch = 1);

    std::vector<StepResult> steps(int64_t from, int64_t to);
    std::vector<double> losses(int64_t from, int64_t to);

    // Gradients of step 0 before the update: complete for each weight, on the first rank of the mesh.
    std::vector<std::vector<double>> gradients();

    Mesh mesh;
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;
    NextBatch samples;
};

NextBatch samples_of(int V);

// max |a − b| / max(|b|, floor); NaN counts as worst.
double worst_relative(const std::vector<double>& a, const std::vector<double>& b, double floor = 1e-300);

// A mesh of this rank and its neighbours: the world is divided into groups of the mesh's size. Every rank of the world
// calls it with the same sizes.
Mesh mesh_among(MpiWorld&, const MeshSizes&);

// The meshes whose number of ranks divides `ranks`.
std::vector<MeshSizes> meshes_of(int ranks);

}  // namespace gradus
