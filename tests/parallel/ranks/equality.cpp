// Losses, norms, gradients and weights do not depend on the mesh.
#include "tests/parallel/ranks/training.h"

#include <cstring>

#include "engine/checkpoint/snapshot.h"

namespace gradus {

namespace {

constexpr int steps = 20;

struct Named {
    const char* name;
    ModelConfig model;
};
const std::vector<Named>& models() {
    static const std::vector<Named> all = {{"GPT-2", shared_gpt2()},
                                           {"LLaMA with 4 key/value heads", shared_llama(4)},
                                           {"LLaMA with 2 key/value heads", shared_llama(2)},
                                           {"LLaMA with 1 key/value head", shared_llama(1)}};
    return all;
}

std::vector<double> norms_of(const std::vector<StepResult>& all) {
    std::vector<double> norms;
    for (const StepResult& r : all) norms.push_back(r.grad_norm);
    return norms;
}
std::vector<double> losses_of(const std::vector<StepResult>& all) {
    std::vector<double> losses;
    for (const StepResult& r : all) losses.push_back(r.loss);
    return losses;
}

void compare_runs(MpiWorld& world, const Course& course, const std::string& name, double tolerance) {
    Training alone(course, {}, 2);
    const std::vector<StepResult> expected = alone.steps(0, steps);
    require(std::abs(expected.front().loss - expected.back().loss) > 1e-3, name + " learns nothing");
    for (const MeshSizes& sizes : meshes_of(world.size())) {
        const std::string what = name + ", " + text_of(sizes);
        Training together(course, mesh_among(world, sizes));
        const std::vector<StepResult> found = together.steps(0, steps);
        const double loss = worst_relative(losses_of(found), losses_of(expected)),
                     norm = worst_relative(norms_of(found), norms_of(expected));
        require(loss <= tolerance, what + ": losses differ by " + std::to_string(loss / tolerance) + " tolerances");
        // A norm is a sum of squares of gradients, whose relative differences are larger than the loss's.
        require(norm <= 10 * tolerance, what + ": norms differ by " + std::to_string(norm / tolerance) + " tolerances");
        for (size_t i = 0; i < found.size(); ++i)
            require(found[i].tokens == expected[i].tokens, what + ": another count of targets");
    }
}

void equal_in_double(MpiWorld& world) {
    for (const Named& m : models()) {
        compare_runs(world, {.model = m.model}, m.name, 1e-12);
        compare_runs(world, {.model = m.model, .sharded = false, .recompute = true}, m.name, 1e-12);
    }
}

void equal_in_f32(MpiWorld& world) {
    for (const Named& m : models())
        compare_runs(world, {.model = m.model, .ops = cpu_ops(), .dtype = DType::f32}, m.name, 1e-6);
}

void equal_gradients(MpiWorld& world) {
    for (const Named& m : models())
        for (DType dtype : {DType::f64, DType::f32}) {
            const Course course = {
                .model = m.model, .ops = dtype == DType::f64 ? reference_ops() : cpu_ops(), .dtype = dtype};
            const auto expected = Training(course, {}, 4).gradients();
            for (const MeshSizes& sizes : meshes_of(world.size())) {
                Training together(course, mesh_among(world, sizes), 1);
                const auto found = together.gradients();
                if (together.mesh.world.rank > 0) continue;
                require(found.size() == expected.size(), "another number of weights");
                for (size_t i = 0; i < found.size(); ++i) {
                    double largest = 0;
                    for (double g : expected[i]) largest = std::max(largest, std::abs(g));
                    const double worst = worst_relative(found[i], expected[i], largest);
                    require(largest > 0, "a weight without gradient");
                    require(worst <= (dtype == DType::f64 ? 1e-12 : 1e-5),
                            std::string(m.name) + ", " + text_of(sizes) + ": the gradient of " +
                                together.model->weights()[i].name + " differs by " + std::to_string(worst));
                }
            }
        }
}

// Accumulation adds in the order of the micro-batches, dp first within a rank: with as many ranks as micro-batches the
// order and therefore the bits are the same.
void dp_is_accumulation(MpiWorld& world) {
    for (bool sharded : {true, false}) {
        const Course course = {.model = shared_gpt2(), .sharded = sharded};
        Training alone(course, {}, batch / world.size()),
            together(course, mesh_among(world, {.dp = world.size()}), batch / world.size());
        const double worst = worst_relative(together.losses(0, steps), alone.losses(0, steps));
        require(worst <= 1e-13, "dp and accumulation differ by " + std::to_string(worst * 1e13) + "e-13");
    }
}

// ZeRO-1 distributes the state and computes the same.
void sharding_keeps_bits(MpiWorld& world) {
    for (DType dtype : {DType::f32, DType::bf16}) {
        Course course = {.model = shared_llama(2), .ops = cpu_ops(), .dtype = dtype};
        const Mesh mesh = mesh_among(world, {.dp = world.size()});
        Training sharded(course, mesh);
        course.sharded = false;
        Training plain(course, mesh);
        for (int64_t step = 0; step < steps; ++step) {
            const StepResult a = sharded.steps(step, step + 1)[0], b = plain.steps(step, step + 1)[0];
            require(std::abs(a.grad_norm / b.grad_norm - 1) <= 1e-12, "the norm of the parts is not that of the whole");
            // The clip factor depends on the norm's last bit, so later losses agree up to rounding.
            require(std::abs(a.loss / b.loss - 1) <= (dtype == DType::f32 ? 1e-6 : 1e-2), "the losses differ");
        }
        require(sharded.trainer.optimizer().moment_bytes() < plain.trainer.optimizer().moment_bytes(),
                "nothing is saved");
    }
}

void same_weights_everywhere(MpiWorld& world) {
    for (const MeshSizes& sizes : meshes_of(world.size())) {
        Training t({.model = shared_llama(2), .ops = cpu_ops(), .dtype = DType::bf16}, mesh_among(world, sizes));
        t.steps(0, 3);
        for (const Weight& w : t.model->weights()) {
            const std::string bits(static_cast<const char*>(w.value.data), w.value.bytes());
            for (const std::string& theirs : t.mesh.dp.gather(std::to_string(std::hash<std::string>()(bits))))
                require(theirs == std::to_string(std::hash<std::string>()(bits)), w.name + " differs over dp");
            if (w.spec.split != Split::none) continue;
            for (const std::string& theirs : t.mesh.tp.gather(std::to_string(std::hash<std::string>()(bits))))
                require(theirs == std::to_string(std::hash<std::string>()(bits)), w.name + " differs over tp");
        }
    }
}

// Stochastic rounding depends on the index of a weight in the arena, which is the same on every mesh with tp = 1.
void chance_keeps_its_place(MpiWorld& world) {
    for (bool sharded : {true, false}) {
        const Course course = {.model = shared_gpt2(),
                               .ops = cpu_ops(),
                               .dtype = DType::bf16,
                               .sharded = sharded,
                               .lr = 1e-2,
                               .decay_alone = true};
        Training alone(course, {}, 2), together(course, mesh_among(world, {.dp = world.size()}));
        for (Training* t : {&alone, &together}) t->steps(0, 2);
        for (size_t i = 0; i < alone.model->weights().size(); ++i) {
            const Tensor a = alone.model->weights()[i].value, b = together.model->weights()[i].value;
            require(std::memcmp(a.data, b.data, a.bytes()) == 0,
                    alone.model->weights()[i].name + " is rounded differently on several ranks");
        }
    }
}

void validation_is_shared(MpiWorld& world) {
    for (const Named& m : models()) {
        const std::vector<int32_t> bytes_of(size_t(m.model.V), 3);
        Training alone({.model = m.model}, {}, 2);
        for (int64_t windows : {1, 7, 16}) {
            const ValidationResult expected = validate_loss(*alone.model, windows, alone.samples, bytes_of);
            for (const MeshSizes& sizes : meshes_of(world.size())) {
                Training t({.model = m.model}, mesh_among(world, sizes), 2);
                const ValidationResult found = validate_loss(*t.model, windows, t.samples, bytes_of, {}, t.mesh);
                require(found.targets == expected.targets && found.bytes == expected.bytes,
                        "other targets are validated");
                require(std::abs(found.nats / expected.nats - 1) <= 1e-12, "validation differs on " + text_of(sizes));
            }
        }
    }
}

}  // namespace

const std::vector<Scenario> training_scenarios = {
    {"equal_in_double", equal_in_double},           {"equal_in_f32", equal_in_f32},
    {"equal_gradients", equal_gradients},           {"dp_is_accumulation", dp_is_accumulation},
    {"sharding_keeps_bits", sharding_keeps_bits},   {"same_weights_everywhere", same_weights_everywhere},
    {"validation_is_shared", validation_is_shared}, {"chance_keeps_its_place", chance_keeps_its_place},
};

}  // namespace gradus
