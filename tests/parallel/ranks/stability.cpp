// All ranks take the same verdict about a fault on one of them.
#include <limits>

#include "tests/parallel/ranks/training.h"

namespace gradus {

namespace {

// Trains normally until step `from`; then corrupts one rank's gradients before they are summed.
void spoil_one_rank(MpiWorld& world, float poison, Verdict expected) {
    for (const MeshSizes& sizes : meshes_of(world.size())) {
        Training t({.model = shared_gpt2(), .ops = cpu_ops(), .dtype = DType::f32}, mesh_among(world, sizes));
        t.steps(0, 70);  // more than half of the window
        const std::vector<double> before = test::values<float>(t.model->parameters.values.flat());
        const int last = t.mesh.world.size - 1;
        // A gain that is changed only on this rank affects only its gradients.
        Tensor gain;
        for (const Weight& w : t.model->weights())
            if (w.name == "norm.gain") gain = w.value;
        const float kept = gain.as<float>()[0];
        if (t.mesh.world.rank == last) gain.as<float>()[0] = poison;
        const StepResult r = t.steps(70, 71)[0];
        if (t.mesh.world.rank == last) gain.as<float>()[0] = kept;
        require(r.verdict == expected, text_of(sizes) + ": the step is " + name_of(r.verdict));
        require(test::values<float>(t.model->parameters.values.flat()) == before, "a skipped step changed the weights");
        const std::string verdict = std::to_string(int(r.verdict));
        for (const std::string& theirs : t.mesh.world.gather(verdict)) require(theirs == verdict, "ranks disagree");
        require(t.steps(71, 72)[0].verdict == Verdict::take, "the next step is not taken");
        require(t.trainer.stability().state().skipped == 1, "another count of skipped steps");
    }
}

void nan_on_one_rank(MpiWorld& world) {
    spoil_one_rank(world, std::numeric_limits<float>::quiet_NaN(), Verdict::not_a_number);
}

void spike_on_one_rank(MpiWorld& world) { spoil_one_rank(world, 1e3f, Verdict::loss_spike); }

}  // namespace

const std::vector<Scenario> stability_scenarios = {
    {"nan_on_one_rank", nan_on_one_rank},
    {"spike_on_one_rank", spike_on_one_rank},
};

}  // namespace gradus
