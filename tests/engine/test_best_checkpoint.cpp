// The checkpoint of the lowest validation loss, and the end of a run that finds no lower one: engine/loop.
#include <catch2/catch.hpp>

#include <cmath>
#include <map>

#include "engine/loop/training_loop.h"
#include "engine/score_model.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using gradus::testing::TemporaryFolder;

namespace {

// A run whose validation losses are given, a validation after every second step and a checkpoint after every third one.
class ScriptedRun {
public:
    std::map<int64_t, double> losses;  // after which step; of another: 1
    std::map<int64_t, int> failures;   // step, from 0 → how often its loss is no number

    // Goes on to `steps` from the newest checkpoint. `until`: the step after which it is stopped.
    bool run(int64_t steps, LoopConfig c = {}) {
        const ModelConfig m = testing::tiny_gpt2();
        ScoreModel model(reference_ops(), m, DType::f64, {1, 6}, {.training = true}, {});
        GradientStep step(model.parameters, {}, {});
        RunState from;
        if (const LatestCheckpoint latest = latest_checkpoint(folder.path()); latest.folder) {
            const TrainingState saved_state = load_checkpoint(*latest.folder, model.parameters, m, step.optimizer());
            step.stability().restore(saved_state.stability);
            from = {saved_state.step, saved_state.tokens, *saved_state.rollback_targets, saved_state.best};
        }
        LoopHooks hooks;
        hooks.step = [&](int64_t number, bool) {
            step.begin(number);
            if (const BucketDone done = step.exchange()) done(0);
            return step.finish(failures[number]-- > 0 ? NAN : 1.0, 1);
        };
        hooks.validate = [&](const auto&) {
            const auto found = losses.find(loop_->state().step);
            return ValidationResult{.nats = found == losses.end() ? 1 : found->second, .targets = 1};
        };
        c.folder = folder.path();
        c.steps = steps;
        c.validate_every = 2;
        c.save_every = 3;
        c.checkpoints.keep.last = 1;
        c.checkpoints.background = false;
        c.checkpoints.in_place = true;
        loop_.emplace(m, step, c, hooks, from);
        const bool ended = loop_->run();
        state = loop_->state();
        loop_.reset();
        return ended;
    }

    std::vector<int64_t> saved() const {
        std::vector<int64_t> steps;
        for (const StepFolder& f : step_folders(folder.path())) steps.insert(steps.begin(), f.step);
        return steps;
    }
    std::string link(const std::string& name) const {
        std::error_code none;
        return fs::read_symlink(folder / "checkpoints" / name, none).string();
    }

    TemporaryFolder folder;
    RunState state;

private:
    std::optional<TrainingLoop> loop_;
};

using Steps = std::vector<int64_t>;

}  // namespace

TEST_CASE("the checkpoint of the lowest validation loss is kept while those around it are removed") {
    silence_output();
    ScriptedRun run;
    run.losses = {{2, 3}, {4, 2}, {6, 2.5}, {8, 1.5}, {10, 1.9}, {12, 1.8}, {14, 1.5}};
    REQUIRE(run.run(14, {.keep_best = true}));
    REQUIRE(run.state.best == BestValidation{8, 1.5, 3, true});
    REQUIRE(run.saved() == Steps{8, 12, 14});
    REQUIRE(run.link("best") == "step-00000008");
    REQUIRE(run.link("latest") == "step-00000014");
    REQUIRE(read_manifest(run.folder / "checkpoints" / "best").state.step == 8);
}

TEST_CASE("without keep_best no checkpoint is kept or saved for its validation loss") {
    silence_output();
    ScriptedRun run;
    run.losses = {{2, 3}, {4, 0.2}, {6, 2.5}};
    REQUIRE(run.run(8));
    REQUIRE(run.state.best == BestValidation{4, 0.2, 2, false});
    REQUIRE(run.saved() == Steps{6, 8});
    REQUIRE(run.link("best").empty());
}

TEST_CASE("a run ends after as many validations without a lower loss as its patience, and goes on with more of it") {
    silence_output();
    ScriptedRun run;
    run.losses = {{2, 3}, {4, 2}, {6, 2.5}, {8, 2}, {10, 1.5}, {12, 1.6}, {14, 1.7}, {16, 1.8}};
    REQUIRE(run.run(30, {.keep_best = true, .patience = 2}));
    REQUIRE(run.state.step == 8);
    REQUIRE(run.state.best == BestValidation{4, 2, 2, true});
    REQUIRE(run.saved() == Steps{4, 6, 8});
    REQUIRE(run.run(30, {.keep_best = true, .patience = 3}));
    REQUIRE(run.state.step == 16);
    REQUIRE(run.link("best") == "step-00000010");
    REQUIRE(run.saved() == Steps{10, 15, 16});
}

TEST_CASE("a run that is resumed counts the validations before it was stopped") {
    silence_output();
    ScriptedRun whole, parts;
    whole.losses = parts.losses = {{2, 3}, {4, 2}, {6, 2.5}, {8, 2}, {10, 2.1}};
    const LoopConfig c = {.keep_best = true, .patience = 3};
    REQUIRE(whole.run(30, c));
    REQUIRE(whole.state.step == 10);
    for (int64_t step : {2, 6, 8, 30}) REQUIRE(parts.run(step, c));
    REQUIRE(parts.state.best == whole.state.best);
    REQUIRE(parts.state.step == 10);
    REQUIRE(parts.saved() == Steps{4, 9, 10});
    REQUIRE(whole.saved() == parts.saved());
}

TEST_CASE("a validation loss that is no number is never the lowest") {
    silence_output();
    ScriptedRun run;
    run.losses = {{2, NAN}, {4, INFINITY}, {6, 3}, {8, NAN}};
    REQUIRE(run.run(4, {.keep_best = true}));
    REQUIRE(run.state.best == BestValidation{.without = 2});
    REQUIRE(run.saved() == Steps{3, 4});
    REQUIRE(run.run(8, {.keep_best = true}));
    REQUIRE(run.state.best == BestValidation{6, 3, 1, true});
}

TEST_CASE("after a rollback the best checkpoint is that of the steps which are left, and it is still there") {
    silence_output();
    ScriptedRun run;
    run.losses = {{2, 2}, {4, 1.5}, {6, 9}, {8, 9}};
    REQUIRE(run.run(4, {.keep_best = true}));
    REQUIRE(run.saved() == Steps{2, 3, 4});
    REQUIRE(run.link("best") == "step-00000004");
    // Three steps fail, so the run goes back to step 3, whose best is step 2; step 4 is not as good the second time.
    run.failures = {{4, 1}, {5, 1}, {6, 1}};
    run.losses[4] = 9;
    REQUIRE(run.run(8, {.keep_best = true}));
    REQUIRE(run.state.best == BestValidation{2, 2, 3, true});
    REQUIRE(run.link("best") == "step-00000002");
    REQUIRE(run.saved() == Steps{2, 6, 8});
}
