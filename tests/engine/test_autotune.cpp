// Autotuning of matmuls before the first step.
#include <catch2/catch.hpp>

#include "engine/autotune.h"
#include "tests/engine/checkpoint_testing.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;
using gradus::testing::TemporaryFolder;

namespace {

// A device whose choices are a text, and that measures during the first linears of a trial pass.
struct Library {
    std::string offered, chosen;  // the result of measuring; the choices in use
    bool measuring = false;
    int measured = 0;
};
Library library;

const MatmulTuning tuning = {.measure = [](bool on) { library.measuring = on; },
                             .choices = [] { return library.chosen; },
                             .use =
                                 [](const std::string& text) {
                                     const bool fits = text.starts_with("this GPU");
                                     if (fits) library.chosen = text;
                                     return fits;
                                 }};

const Ops& tuned_ops() {
    static const Ops table = [] {
        Ops ops = cpu_ops();
        ops.tuning = &tuning;
        ops.linear_backward_weight = [](const LinearBackwardWeight& a, Stream s) {
            if (library.measuring) {
                if (library.chosen.empty()) ++library.measured, library.chosen = library.offered;
                cpu_ops().linear_backward_weight(a, s);  // once more than necessary, as measuring does
            }
            cpu_ops().linear_backward_weight(a, s);
        };
        return ops;
    }();
    return table;
}

struct Tuned {
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;

    explicit Tuned(const Ops& ops, const Mesh& mesh = {})
        : model(make_language_model(ops, tiny_gpt2(), DType::f32, {.B = 2, .T = 9}, {.training = true})),
          trainer((initialise(*model, 11), *model), settings(), mesh) {}

    static TrainerConfig settings() {
        TrainerConfig c;
        c.batch = 4;
        c.micro_batch = 2;
        c.context = 9;
        c.dropout = 0.1;
        c.schedule = {Decay::constant, 1e-2, 0, 2, 1000, 0};
        return c;
    }
    static NextBatch samples() {
        return [](int64_t first, HostBatch& batch) {
            batch = packed_batch(batch.B, batch.T, tiny_gpt2().V, unsigned(100 + first));
        };
    }
    bool tune(const fs::path& file) { return autotune(trainer, samples(), file); }
    std::vector<double> losses() {
        std::vector<double> all;
        for (int step = 0; step < 3; ++step) all.push_back(trainer.step(step, samples()).loss);
        return all;
    }
};

}  // namespace

TEST_CASE("measured choices are in the run's file, and a resumed run uses them without measuring") {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "matmuls.txt";
    library = {.offered = "this GPU: 3 1 4"};
    REQUIRE(Tuned(tuned_ops()).tune(file));
    REQUIRE(library.measured == 1);
    REQUIRE_FALSE(library.measuring);
    REQUIRE(read_file(file) == "this GPU: 3 1 4");

    library = {.offered = "this GPU: 2 7 1"};
    REQUIRE(Tuned(tuned_ops()).tune(file));
    REQUIRE(library.measured == 0);
    REQUIRE(library.chosen == "this GPU: 3 1 4");
    REQUIRE(read_file(file) == "this GPU: 3 1 4");
}

TEST_CASE("choices of another device are measured again and replaced") {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "matmuls.txt";
    write_file_atomically(file, "another GPU: 1 1 1");
    library = {.offered = "this GPU: 3 1 4"};
    REQUIRE(Tuned(tuned_ops()).tune(file));
    REQUIRE(library.measured == 1);
    REQUIRE(read_file(file) == "this GPU: 3 1 4");
}

TEST_CASE("measuring does not change the results of steps") {
    const TemporaryFolder folder;
    Tuned plain(cpu_ops()), tuned(tuned_ops());
    library = {.offered = "this GPU: 3 1 4"};
    REQUIRE(tuned.tune(folder.path() / "matmuls.txt"));
    REQUIRE(tuned.losses() == plain.losses());
}

TEST_CASE("every rank uses the choices of rank 0, which alone has the file") {
    // A rank 1 that receives the texts of rank 0.
    static std::vector<std::string> said;
    const CommTable table = {.gather =
                                 [](void*, const std::string& mine, std::vector<std::string>& all) {
                                     all = {said.front(), mine};
                                     said.erase(said.begin());
                                 },
                             .set_step = [](void*, int64_t) {}};
    const Mesh mesh = {.world = {.rank = 1, .size = 2, .table = &table}};
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "matmuls.txt";
    for (const bool known : {false, true}) {
        said = {known ? "this GPU: 3 1 4" : "", "this GPU: 3 1 4"};
        library = {.offered = "this GPU: 2 7 1"};
        REQUIRE(Tuned(tuned_ops(), mesh).tune(file));
        REQUIRE(library.measured == (known ? 0 : 1));
        REQUIRE(library.chosen == "this GPU: 3 1 4");
        REQUIRE_FALSE(fs::exists(file));
    }
}

TEST_CASE("a device with one algorithm has no trial pass and no file") {
    const TemporaryFolder folder;
    REQUIRE_FALSE(Tuned(cpu_ops()).tune(folder.path() / "matmuls.txt"));
    REQUIRE(fs::is_empty(folder.path()));
}
