// Training on several devices equals training on one rank: staged through the host, and with the engine's NCCL code on
// a fake of NCCL. The devices are emulated, with the CPU's arithmetic (so that bits can be compared) and with GPU
// kernels.
#include <functional>

#include "engine/checkpoint/checkpoint.h"
#include "engine/comm_nccl/nccl_world.h"
#include "engine/comm_staged.h"
#include "tests/comm_nccl/device/passing_time.h"
#include "tests/comm_nccl/device/queued_ops.h"
#include "tests/parallel/ranks/folder.h"
#include "tests/parallel/ranks/training.h"

namespace gradus {

namespace {

constexpr int steps = 4, steps_of_kernels = 2;  // emulated threads are slow

// The mesh of all ranks with one of the two Comms, valid as long as this object.
class Devices {
public:
    Devices(MpiWorld& world, const Ops& ops, bool by_nccl, const MeshSizes& sizes) {
        if (by_nccl) {
            nccl_ = std::make_unique<NcclWorld>(world, ops);
            mesh = nccl_->mesh(sizes);
        } else {
            staging_ = std::make_unique<Staging>(ops);
            mesh = staging_->mesh(world.mesh(sizes));
        }
    }

    Mesh mesh;

private:
    PassingTime time_;
    std::unique_ptr<NcclWorld> nccl_;
    std::unique_ptr<Staging> staging_;
};

// With two ranks each axis alone, with four both.
std::vector<MeshSizes> meshes_of_all(int ranks) {
    if (ranks == 4) return {{.dp = 2, .tp = 2}};
    return {{.dp = ranks}, {.dp = 1, .tp = ranks}};
}

Course course_of(const ModelConfig& m, const Ops& ops, DType dtype = DType::f32) {
    return {.model = m, .ops = ops, .dtype = dtype};
}

std::string weights_of(Training& t) {
    const Snapshot s = Snapshot::copy(*t.model, t.trainer.optimizer(), t.mesh);
    std::string bits;
    for (const LogicalTensor& w : s.weights) bits.append(static_cast<const char*>(w.value.data), w.value.bytes());
    return bits;
}

void staged_has_the_bits_of_mpi(MpiWorld& world) {
    for (const ModelConfig& m : {shared_gpt2(), shared_llama(2)})
        for (DType dtype : {DType::f32, DType::bf16})
            for (const MeshSizes& sizes : meshes_of_all(world.size())) {
                Training on_host(course_of(m, cpu_ops(), dtype), world.mesh(sizes));
                const std::vector<double> expected = on_host.losses(0, steps);
                const Devices devices(world, queued_ops(), false, sizes);
                Training on_devices(course_of(m, queued_ops(), dtype), devices.mesh);
                require(on_devices.losses(0, steps) == expected, text_of(sizes) + ": other losses");
                require(weights_of(on_devices) == weights_of(on_host), text_of(sizes) + ": other weights");
            }
}

std::vector<double> losses_and_norms(Training& t, int count) {
    std::vector<double> all;
    for (const StepResult& r : t.steps(0, count)) all.insert(all.end(), {r.loss, r.grad_norm});
    return all;
}

void compare(MpiWorld& world, const Ops& ops, bool by_nccl, const ModelConfig& m, int count) {
    Training alone(course_of(m, ops), {}, 2);
    const std::vector<double> expected = losses_and_norms(alone, count);
    require(std::abs(expected.front() - expected[expected.size() - 2]) > 1e-4, "nothing is learned");
    for (const MeshSizes& sizes : meshes_of_all(world.size())) {
        const Devices devices(world, ops, by_nccl, sizes);
        Training together(course_of(m, ops), devices.mesh);
        const double worst = worst_relative(losses_and_norms(together, count), expected);
        require(worst <= 2e-6, std::string(ops.name) + (by_nccl ? ", nccl, " : ", staged, ") + text_of(sizes) +
                                   ": losses or norms differ by " + std::to_string(worst * 1e6) + "e-6");
    }
}

void nccl_trains_as_one_rank(MpiWorld& world) {
    for (const ModelConfig& m : {shared_gpt2(), shared_llama(4), shared_llama(1)})
        compare(world, queued_ops(), true, m, steps);
}

void kernels_train_as_one_rank(MpiWorld& world) {
    for (bool by_nccl : {false, true})
        for (const ModelConfig& m : {shared_gpt2(), shared_llama(2)})
            compare(world, simt_ops(), by_nccl, m, steps_of_kernels);
}

// A checkpoint from devices resumes on any mesh, any device and any Comm.
void devices_resume_elsewhere(MpiWorld& world) {
    const SharedFolder folder(world.all());
    const ModelConfig m = shared_llama(2);
    Training undisturbed(course_of(m, cpu_ops()), {}, 2);
    undisturbed.steps(0, steps);
    const std::vector<double> expected = undisturbed.losses(steps, 2 * steps);
    std::string written;
    {
        const Devices devices(world, queued_ops(), true, {.dp = world.size()});
        Training saved(course_of(m, queued_ops()), devices.mesh);
        saved.steps(0, steps);
        const Snapshot s = Snapshot::copy(*saved.model, saved.trainer.optimizer(), saved.mesh);
        if (world.rank() == 0)
            written =
                save_checkpoint(folder / "run", s, {.step = steps, .stability = saved.trainer.stability().state()});
    }
    written = world.all().gather(written)[0];
    const auto go_on = [&](const Ops& ops, const Mesh& mesh, const std::string& where) {
        Training resumed(course_of(m, ops), mesh);
        resumed.steps(0, 1);  // something to be overwritten
        const TrainingState state = load_checkpoint(written, *resumed.model, resumed.trainer.optimizer(), mesh);
        resumed.trainer.stability().restore(state.stability);
        require(worst_relative(resumed.losses(steps, 2 * steps), expected) <= 1e-6, "the losses differ " + where);
    };
    go_on(cpu_ops(), {}, "on one rank of the CPU");
    for (const MeshSizes& sizes : meshes_of_all(world.size()))
        for (bool by_nccl : {false, true}) {
            const Devices devices(world, queued_ops(), by_nccl, sizes);
            go_on(queued_ops(), devices.mesh, text_of(sizes) + (by_nccl ? " by nccl" : " through the host"));
        }
}

}  // namespace

const std::vector<Scenario> device_scenarios = {
    {"staged_has_the_bits_of_mpi", staged_has_the_bits_of_mpi},
    {"nccl_trains_as_one_rank", nccl_trains_as_one_rank},
    {"kernels_train_as_one_rank", kernels_train_as_one_rank},
    {"devices_resume_elsewhere", devices_resume_elsewhere},
};

}  // namespace gradus
