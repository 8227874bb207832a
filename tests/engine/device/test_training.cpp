// Complete training steps on a device: the reference's loss and gradients, the CPU's updates, and reproducible bits.
#include <catch2/catch.hpp>

#include "tests/engine/checkpoint_testing.h"
#include "tests/engine/device/device_model.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int B = 2, T = 9;

struct Precision {
    DType dtype;
    double bound;  // relative to the largest value of a tensor
};

// Counts calls of the device's table besides ops and copies.
struct Asked {
    int memory = 0, waits = 0;
};
Asked asked;

const Ops& watched_device() {
    static const Ops table = [] {
        Ops ops = tested().device;
        ops.allocate = [](size_t bytes) { return ++asked.memory, tested().device.allocate(bytes); };
        ops.allocate_host = [](size_t bytes) { return ++asked.memory, tested().device.allocate_host(bytes); };
        ops.synchronise = [](Stream s) { ++asked.waits, tested().device.synchronise(s); };
        return ops;
    }();
    return table;
}

}  // namespace

TEST_CASE("a training step allocates nothing, and the host synchronises once, with any number of micro-batches") {
    for (const auto& [name, m] : tiny_models()) {
        TrainerConfig c = trainer_settings(0.1);
        c.batch = 4 * c.micro_batch;
        Training training(watched_device(), m, DType::bf16, c);
        REQUIRE(asked.memory > 0);
        training.losses(0, 1);
        asked = {};
        training.losses(1, 3);
        INFO(name);
        REQUIRE(asked.memory == 0);
        REQUIRE(asked.waits == 2);
    }
}

TEST_CASE("a complete training step of GPT-2 and of LLaMA has the reference's loss and gradients") {
    for (const auto& [name, m] : tiny_models())
        for (const Precision& p : {Precision{DType::f32, 1e-5}, Precision{DType::bf16, 4e-2}}) {
            const HostBatch host = packed_batch(B, T, m.V);
            const double scale = 1 / double(host.valid_targets());
            const auto run = [&, m = m](const Ops& ops, DType dtype) {
                auto bench = std::make_unique<Bench>(ops, m, dtype, BatchShape{.B = B, .T = T}, Mode{.training = true});
                scramble_on(*bench->model);
                bench->upload(host);
                bench->model->step.upload({.loss_scale = scale}, bench->model->run.stream);
                bench->model->loss_and_backward(bench->batch, bench->losses);
                return bench;
            };
            const auto want = run(reference_ops(), DType::f64), got = run(tested().device, p.dtype);
            INFO(name << " in " << name_of(p.dtype));
            REQUIRE(relative(read(tested().device, got->losses), read(reference_ops(), want->losses)) <= p.bound);
            for (size_t i = 0; i < want->model->weights().size(); ++i) {
                const Weight &w = want->model->weights()[i], &g = got->model->weights()[i];
                INFO(w.name);
                const std::vector<double> gradient = read(reference_ops(), w.grad);
                REQUIRE(relative(read(tested().device, g.grad), gradient) <= p.bound);
            }
        }
}

TEST_CASE("ten steps of AdamW or Muon on the device equal those of the CPU, with dropout and clipping") {
    for (const auto& [name, m] : tiny_models())
        for (OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::muon}) {
            TrainerConfig c = trainer_settings(0.1);
            c.optimizer.kind = kind;
            c.optimizer.clip = 0.5;
            Training here(tested().device, m, DType::f32, c), cpu(cpu_ops(), m, DType::f32, c);
            const std::vector<double> want = cpu.losses(0, 10);
            INFO(name << (kind == OptimizerKind::muon ? ", Muon" : ", AdamW"));
            REQUIRE(relative(here.losses(0, 10), want) <= 2e-5);
            REQUIRE(std::abs(want[0] - want[9]) > 1e-3);
            for (size_t i = 0; i < here.model->weights().size(); ++i) {
                const Weight &mine = here.model->weights()[i], &theirs = cpu.model->weights()[i];
                INFO(mine.name);
                REQUIRE(relative(read(tested().device, mine.value), read(cpu_ops(), theirs.value)) <= 1e-3);
            }
        }
}

TEST_CASE("training has the same bits in every configuration, in f32 and in bf16 with stochastic rounding") {
    for (const auto& [name, m] : tiny_models())
        for (DType dtype : {DType::f32, DType::bf16}) {
            TrainerConfig c = trainer_settings(0.1);
            c.optimizer.stochastic_rounding = dtype == DType::bf16;
            const auto train = [&, m = m] {
                Training t(tested().device, m, dtype, c);
                const std::vector<double> losses = t.losses(0, 3);
                return std::pair(losses, t.weight_bits());
            };
            const auto want = train();
            for (const Configuration& configuration : tested().configurations) {
                const InConfiguration now(configuration);
                INFO(name << " in " << name_of(dtype) << ", " << configuration.name);
                REQUIRE(train() == want);
            }
        }
}

TEST_CASE("a run that is saved and resumed on the device continues bit for bit") {
    for (const auto& [name, m] : tiny_models())
        for (DType dtype : {DType::f32, DType::bf16}) {
            const TrainerConfig c = trainer_settings(0.1);
            const gradus::testing::TemporaryFolder run;
            INFO(name << " in " << name_of(dtype));
            Training whole(tested().device, m, dtype, c);
            whole.losses(0, 3);
            const fs::path folder = save_checkpoint(run.path(), *whole.model, whole.trainer.optimizer(), {.step = 3});
            const std::vector<double> want = whole.losses(3, 6);

            Training resumed(tested().device, m, dtype, c);
            resumed.losses(0, 1);  // a different run, which must leave no trace
            load_checkpoint(folder, *resumed.model, resumed.trainer.optimizer());
            REQUIRE(resumed.losses(3, 6) == want);
            REQUIRE(resumed.weight_bits() == whole.weight_bits());

            Training elsewhere(cpu_ops(), m, dtype, c);
            load_checkpoint(folder, *elsewhere.model, elsewhere.trainer.optimizer());
            REQUIRE(relative(elsewhere.losses(3, 6), want) <= (dtype == DType::f32 ? 2e-5 : 2e-2));
        }
}
