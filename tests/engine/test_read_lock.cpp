// Checkpoints that are read while their run continues.
#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/wait.h>

#include "engine/checkpoint/folders.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

struct SavingRun {
    TemporaryFolder folder;
    Trained trained{tiny_gpt2(), DType::f32};

    fs::path save(int64_t step, uint64_t seed = 0) {
        trained.fill(seed == 0 ? uint64_t(step) : seed);
        return save_checkpoint(folder.path(), *trained.model, trained.optimizer,
                               state_at(folder.path(), step, {.last = 1}));
    }
    fs::path checkpoints() const { return folder / "checkpoints"; }
    fs::path step(int64_t n) const { return checkpoints() / name_of_step(n); }
    std::vector<std::string> names() const { return names_in(checkpoints()); }
};

// A child process that is killed when the test ends.
struct Child {
    pid_t id;

    ~Child() {
        if (id > 0) end();
    }
    void end() {
        ::kill(id, SIGKILL);
        ::waitpid(id, nullptr, 0);
        id = 0;
    }
};

std::string weights_in(const fs::path& folder) {
    Trained t(tiny_gpt2(), DType::f32);
    load_weights(*t.model, folder);
    return t.weight_bits();
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a checkpoint that is being read stays, and the first save after that removes it") {
    SavingRun run;
    run.save(1);
    auto reading = latest_checkpoint(run.folder.path());
    REQUIRE(reading.folder == run.step(1));
    for (int64_t step : {2, 3}) run.save(step);
    REQUIRE(run.names() == Names{"latest", "step-00000001", "step-00000003"});
    REQUIRE(reading.lock->still_exists());
    Trained expected(tiny_gpt2(), DType::f32);
    expected.fill(1);
    REQUIRE(weights_in(*reading.folder) == expected.weight_bits());
    reading = {};
    run.save(4);
    REQUIRE(run.names() == Names{"latest", "step-00000004"});
}

TEST_CASE("a checkpoint with several readers stays until the last one is done") {
    SavingRun run;
    run.save(1);
    auto one = lock_model(run.step(1), VerifyLevel::model), other = lock_model(run.step(1), VerifyLevel::model);
    one = {};
    run.save(2);
    REQUIRE(fs::exists(run.step(1)));
    other = {};
    run.save(3);
    REQUIRE_FALSE(fs::exists(run.step(1)));
}

TEST_CASE("a killed reader releases its lock") {
    SavingRun run;
    run.save(1);
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    Child child{::fork()};
    REQUIRE(child.id >= 0);
    if (child.id == 0) {
        const auto reading = latest_checkpoint(run.folder.path());
        if (::write(ready[1], "r", 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char one;
    REQUIRE(::read(ready[0], &one, 1) == 1);
    run.save(2);
    REQUIRE(fs::exists(run.step(1)));
    child.end();
    run.save(3);
    REQUIRE(run.names() == Names{"latest", "step-00000003"});
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE(
    "after a rollback, a later checkpoint that is being read is renamed at once and removed after its reader is done") {
    SavingRun run;
    run.save(1);
    run.trained.fill(2);
    save_checkpoint(run.folder.path(), *run.trained.model, run.trained.optimizer, {.step = 2});
    auto reading = latest_checkpoint(run.folder.path());
    REQUIRE(reading.folder == run.step(2));
    remove_later(run.folder.path(), run.step(1), {});
    REQUIRE_FALSE(fs::exists(run.step(2)));
    REQUIRE(fs::read_symlink(run.checkpoints() / "latest") == "step-00000001");
    REQUIRE_FALSE(reading.lock->still_exists());  // so that its reader starts again
    REQUIRE(run.names().size() == 3);             // latest, step 1, and the one that is still read
    remove_leftovers(run.folder.path());
    REQUIRE(run.names().size() == 3);
    REQUIRE(latest_checkpoint(run.folder.path()).folder == run.step(1));
    reading = {};
    remove_leftovers(run.folder.path());
    REQUIRE(run.names() == Names{"latest", "step-00000001"});
}

TEST_CASE("a checkpoint that is replaced while it is read keeps its files for the reader, which notices it") {
    SavingRun run;
    run.save(1, 11);
    auto reading = latest_checkpoint(run.folder.path());
    const pid_t child = ::fork();  // another process, as after a restart of the run
    REQUIRE(child >= 0);
    if (child == 0) {
        run.save(1, 12);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    REQUIRE_FALSE(reading.lock->still_exists());
    const std::string old = ".step-00000001.tmp-" + std::to_string(child);
    REQUIRE(run.names() == Names{old, "latest", "step-00000001"});
    run.trained.fill(11);
    REQUIRE(weights_in(run.checkpoints() / old) == run.trained.weight_bits());
    reading = {};
    remove_leftovers(run.folder.path());
    REQUIRE(run.names() == Names{"latest", "step-00000001"});
    run.trained.fill(12);
    REQUIRE(weights_in(run.step(1)) == run.trained.weight_bits());
}

TEST_CASE("a reader that finds a checkpoint being removed takes the newest") {
    SavingRun run;
    run.save(1);
    Child child{::fork()};
    REQUIRE(child.id >= 0);
    if (child.id == 0) {
        for (int64_t step = 2;; ++step) run.save(step);
    }
    int64_t newest = 0, different = 0;
    std::string problem;
    for (int i = 0; i < 300 && problem.empty(); ++i)
        problem = refusal([&] {
            const auto found = latest_checkpoint(run.folder.path(), VerifyLevel::model);
            if (!found.notes.empty()) throw Error("a damaged checkpoint", found.notes[0], "");
            const int64_t step = read_manifest(*found.folder).state.step;
            different += step != newest;
            newest = step;
            Trained expected(tiny_gpt2(), DType::f32);
            expected.fill(uint64_t(step));
            if (weights_in(*found.folder) != expected.weight_bits()) throw Error("the weights of another step", "", "");
        });
    child.end();
    REQUIRE(problem == "");
    REQUIRE(different > 3);
}

TEST_CASE("a folder that no longer exists is refused by name") {
    SavingRun run;
    run.save(1);
    REQUIRE(says(refusal([&] { lock_model(run.step(7), VerifyLevel::model); }), "no longer exists"));
}
