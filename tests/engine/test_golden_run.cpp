// Runs that earlier versions of this program wrote (tests/goldens/runs): they resume bit for bit.
//
// Each folder has the checkpoint of step 6 of a tiny model on the reference table, whose results have the same bits on
// every x86-64 machine, and the continuation by the version that wrote it: losses.txt has the loss of steps 7 to 12, as
// hexadecimal floating point, then the checksum of every tensor at step 12. `test_engine "[.record]"` writes folders
// for a new format.
#include <catch2/catch.hpp>

#include <fstream>

#include "engine/checkpoint/checkpoint.h"
#include "tests/engine/checkpoint_testing.h"
#include "tests/engine/models.h"

using namespace gradus;
using gradus::testing::TemporaryFolder;

namespace {

const fs::path goldens = fs::path(GRADUS_ROOT) / "tests/goldens/runs";

struct GoldenRun {
    const char* name;
    ModelConfig model;
    OptimizerKind optimizer;
};
const GoldenRun golden_runs[] = {{"gpt2-adamw", test::tiny_gpt2(), OptimizerKind::adamw},
                                 {"llama-muon", test::tiny_llama(), OptimizerKind::muon}};

// A run in memory, at the beginning.
struct Training {
    std::unique_ptr<LanguageModel> model;
    std::unique_ptr<Trainer> trainer;

    explicit Training(const GoldenRun& g) {
        TrainerConfig c;
        c.batch = 4;
        c.micro_batch = 2;
        c.context = 8;
        c.dropout = 0.1;
        c.loss = {0.05, 1e-4};
        c.schedule = {Decay::cosine, 3e-3, 3e-4, 2, 12, 0};
        c.optimizer.kind = g.optimizer;
        model = make_language_model(reference_ops(), g.model, DType::f32, {.B = 2, .T = 8}, {.training = true});
        initialise(*model, 1);
        trainer = std::make_unique<Trainer>(*model, c);
    }

    double step(int64_t step) {
        const int V = model->config().V;
        return trainer
            ->step(step, [&](int64_t first, HostBatch& b) { b = test::packed_batch(b.B, b.T, V, unsigned(first)); })
            .loss;
    }

    std::string from_step_6_to_12() {
        std::string text;
        char line[64];
        for (int64_t s = 6; s < 12; ++s) {
            std::snprintf(line, sizeof line, "%a\n", step(s));
            text += line;
        }
        const Snapshot end = Snapshot::of(*model, trainer->optimizer());
        for (const auto* list : {&end.weights, &end.optimizer})
            for (const LogicalTensor& t : *list)
                text += t.name + " " +
                        hexadecimal(checksum_of({static_cast<const char*>(t.value.data), t.value.bytes()})) + "\n";
        return text;
    }
};

TrainingState state_of(const Training& t, int64_t step) {
    return {.step = step,
            .tokens = 0,
            .seed = 1,
            .recipe = "",
            .compatible = "",
            .stability = t.trainer->stability().state()};
}

}  // namespace

TEST_CASE("checkpoints of earlier versions resume bit for bit") {
    for (const GoldenRun& g : golden_runs) {
        INFO(g.name);
        Training t(g);
        const fs::path folder = goldens / g.name / "step-00000006";
        const TrainingState state = load_checkpoint(folder, *t.model, t.trainer->optimizer());
        REQUIRE(state.step == 6);
        REQUIRE(t.from_step_6_to_12() == read_file(goldens / g.name / "losses.txt"));
    }
}

TEST_CASE("a checkpoint of an earlier version is saved again with the same bytes") {
    for (const GoldenRun& g : golden_runs) {
        INFO(g.name);
        Training t(g);
        const fs::path folder = goldens / g.name / "step-00000006";
        const TrainingState state = load_checkpoint(folder, *t.model, t.trainer->optimizer());
        const TemporaryFolder again;
        const fs::path saved = save_checkpoint(again.path(), Snapshot::of(*t.model, t.trainer->optimizer()), state, {});
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            const fs::path name = entry.path().lexically_relative(folder);
            INFO(name.string());
            REQUIRE(read_file(saved / name) == read_file(entry.path()));
        }
    }
}

TEST_CASE("golden runs are recorded", "[.record]") {
    for (const GoldenRun& g : golden_runs) {
        Training t(g);
        for (int64_t s = 0; s < 6; ++s) t.step(s);
        const TemporaryFolder run;
        const fs::path saved =
            save_checkpoint(run.path(), Snapshot::of(*t.model, t.trainer->optimizer()), state_of(t, 6), {});
        fs::create_directories(goldens / g.name);
        fs::copy(saved, goldens / g.name / "step-00000006", fs::copy_options::recursive);
        std::ofstream(goldens / g.name / "losses.txt") << t.from_step_6_to_12();
    }
}
