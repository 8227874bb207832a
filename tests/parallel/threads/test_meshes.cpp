// Every mesh computes the same as one rank, within the planned memory.
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <set>

#include "engine/base/philox.h"
#include "engine/generate/cached_step.h"
#include "tests/parallel/ranks/training.h"
#include "tests/parallel/threads/guarded_ops.h"
#include "tests/parallel/threads/thread_ranks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Named {
    const char* name;
    ModelConfig model;
};

// Sizes that 8 ranks can divide, except the vocabulary. Some models have biases that no family has: in projections of
// shared key/value heads.
ModelConfig llama(int kv_heads, bool bias) {
    ModelConfig m = shared_llama(kv_heads);
    m.F = 32;
    m.V = 23;
    m.bias = bias;
    return m;
}

std::vector<Named> models() {
    return {{"GPT-2", shared_gpt2()},
            {"LLaMA with 4 key/value heads", llama(4, false)},
            {"LLaMA with 2 key/value heads", llama(2, false)},
            {"LLaMA with 1 key/value head and biases", llama(1, true)},
            {"LLaMA with 2 key/value heads and biases", llama(2, true)}};
}

// Random values in every weight, especially biases, the same on every mesh.
void scatter(LanguageModel& model) {
    for (Weight& w : model.weights()) {
        uint64_t name = 0;
        for (char c : w.name) name = key_of(name, uint64_t(uint8_t(c)));
        const Philox random{name};
        const Tensor all = as_matrix(w.value);
        const int64_t columns = all.last(), of_whole = w.whole.shape.size() / w.whole.shape.dim[0];
        for (const WeightSlice& p : w.slices)
            for (int64_t i = 0; i < p.rows * columns; ++i) {
                const int64_t at = (p.logical_row + i / columns) * of_whole + p.logical_column + i % columns;
                all.as<double>()[p.row * columns + i] =
                    (w.spec.init == Init::one ? 1 : 0) + 0.3 * random.normal(uint64_t(at));
            }
    }
}

struct Learnt {
    std::vector<double> losses, norms;
    std::vector<std::vector<double>> gradients;
};

Learnt learnt(const Course& course, const Mesh& mesh, int micro_batch) {
    Learnt l;
    {
        Training t(course, mesh, micro_batch);
        scatter(*t.model);
        l.gradients = t.gradients();
    }
    Training t(course, mesh, micro_batch);
    scatter(*t.model);
    for (const StepResult& r : t.steps(0, 4)) {
        l.losses.push_back(r.loss);
        l.norms.push_back(r.grad_norm);
    }
    return l;
}

// Rows of two sequences, with a prompt longer than a step, and the logits of their last rows.
std::vector<double> cached_logits(const ModelConfig& m, const Comm& tp) {
    const auto model = make_language_model(guarded_ops(), m, DType::f64, {.B = 1, .T = tp.size}, {}, tp);
    scatter(*model);
    CachedStep step(*model, 2, 12, 4);
    const auto row = [&](int sequence, int position) {
        return CachedStep::Row{int32_t((7 * position + 5 * sequence + 1) % m.V), sequence, position};
    };
    for (int first : {0, 3, 6}) {
        step.begin();
        for (int position = first; position < first + 3; ++position) step.add(row(0, position));
        if (first < 6) step.add(row(1, first / 3));
        step.run();
    }
    step.begin();
    step.add_wanted(row(0, 9));
    step.add(row(1, 2));
    step.add_wanted(row(1, 3));
    step.run();
    std::vector<double> logits;
    for (int wanted : {0, 1})
        for (float x : step.logits(wanted)) logits.push_back(x);
    return logits;
}

std::vector<MeshSizes> meshes(const ModelConfig& m) {
    std::vector<MeshSizes> all = {{.dp = 4}, {.dp = 1, .tp = 2}, {.dp = 1, .tp = 4}, {.dp = 2, .tp = 4}};
    if (m.H == 8) all.push_back({.dp = 1, .tp = 8});
    return all;
}

}  // namespace

TEST_CASE("Every mesh trains like one rank, and never writes outside its memory") {
    for (const Named& m : models())
        for (bool other : {false, true}) {
            // Sequences of 12 rows, a single one of which 8 ranks cannot divide.
            const Course course = {
                .model = m.model, .ops = guarded_ops(), .sharded = !other, .recompute = other, .clip = 0.3};
            const Learnt alone = learnt(course, {}, 2);
            REQUIRE(alone.norms[0] > 0.3);
            for (const MeshSizes& sizes : meshes(m.model)) {
                INFO(m.name << " on " << text_of(sizes) << (other ? ", recomputed" : ", sharded"));
                std::mutex lock;
                std::string wrong;
                ThreadRanks(sizes).run([&](const Mesh& mesh) {
                    const Learnt found = learnt(course, mesh, 2);
                    const double loss = worst_relative(found.losses, alone.losses),
                                 norm = worst_relative(found.norms, alone.norms);
                    double gradient = 0;
                    for (size_t i = 0; mesh.world.rank == 0 && i < alone.gradients.size(); ++i) {
                        double largest = 0;
                        for (double g : alone.gradients[i]) largest = std::max(largest, std::abs(g));
                        gradient =
                            std::max(gradient, worst_relative(found.gradients.at(i), alone.gradients[i], largest));
                    }
                    if (loss <= 1e-11 && norm <= 1e-10 && gradient <= 1e-10) return;
                    std::lock_guard hold(lock);
                    wrong = "losses differ by " + std::to_string(loss * 1e12) + "e-12, norms by " +
                            std::to_string(norm * 1e12) + "e-12, gradients by " + std::to_string(gradient * 1e12) +
                            "e-12";
                });
                REQUIRE(wrong == "");
            }
        }
    REQUIRE(blocks_overrun() == 0);
}

TEST_CASE("Tensor-parallel ranks have the same logits in generation as one rank, with biases") {
    for (const Named& m : models()) {
        const std::vector<double> alone = cached_logits(m.model, {});
        for (const MeshSizes& sizes : meshes(m.model)) {
            if (sizes.dp > 1) continue;
            INFO(m.name << " on " << text_of(sizes));
            std::mutex lock;
            double worst = 0;
            ThreadRanks(sizes).run([&](const Mesh& mesh) {
                const double mine = worst_relative(cached_logits(m.model, mesh.tp), alone, 1);
                std::lock_guard hold(lock);
                if (!(mine <= worst)) worst = mine;
            });
            REQUIRE(worst <= 1e-5);
        }
    }
    REQUIRE(blocks_overrun() == 0);
}

// Fills the activations and the padding with a mark before a step; afterwards it remains only in the padding.
TEST_CASE("A step uses every element of its activations and workspace, and never the padding") {
    constexpr char mark = char(0xb7);
    for (const Named& m : models())
        for (int tp : {1, 2, 4, 8})
            for (bool recompute : {false, true}) {
                if (m.model.H % tp != 0) continue;
                INFO(m.name << ", tp=" << tp << (recompute ? ", recomputed" : ""));
                std::mutex lock;
                std::set<std::string> unused, overwritten;
                ThreadRanks({.dp = 1, .tp = tp}).run([&](const Mesh& mesh) {
                    const Course course = {.model = m.model, .ops = guarded_ops(), .recompute = recompute};
                    Training t(course, mesh, 2);
                    const Arena& acts = t.model->activations;
                    const char* before = nullptr;
                    std::vector<std::pair<const char*, const char*>> gaps;
                    for (const Arena::Entry& e : acts.entries()) {
                        char* first = static_cast<char*>(e.tensor->data);
                        if (before) {
                            std::memset(const_cast<char*>(before), mark, size_t(first - before));
                            gaps.emplace_back(before, first);
                        }
                        if (e.name != "rope_table") std::memset(first, mark, e.tensor->bytes());
                        before = first + e.tensor->bytes();
                    }
                    t.steps(0, 1);
                    std::lock_guard hold(lock);
                    for (const auto& [from, to] : gaps)
                        if (!std::all_of(from, to, [&](char c) { return c == mark; })) overwritten.insert("padding");
                    for (const Arena::Entry& e : acts.entries()) {
                        // One rank needs the statistics only for a loss without its gradient; rows of logits are padded.
                        if (e.name == "rope_table" || (e.name == "stats" && tp == 1)) continue;
                        const std::string marked(size_of(e.dtype), mark);
                        const int64_t used = e.name == "logits" ? t.model->run.vocab_rows() : e.tensor->last();
                        for (int64_t i = 0; i < e.tensor->size(); ++i)
                            if (i % e.tensor->last() < used &&
                                std::memcmp(e.tensor->as<char>() + size_t(i) * marked.size(), marked.data(),
                                            marked.size()) == 0)
                                unused.insert(e.name);
                    }
                });
                REQUIRE(overwritten == std::set<std::string>{});
                REQUIRE(unused == std::set<std::string>{});
            }
    REQUIRE(blocks_overrun() == 0);
}

TEST_CASE("The workspace of shared key/value heads fits the largest one, from each rank that has a different one") {
    const auto bytes_on = [](const ModelConfig& m, const MeshSizes& sizes, bool sharded) {
        std::mutex lock;
        std::set<size_t> found;
        ThreadRanks(sizes).run([&](const Mesh& mesh) {
            const auto model = make_language_model(guarded_ops(), m, DType::f64, {.B = 2, .T = context},
                                                   {.training = true, .parts = sharded ? mesh.dp.size : 1}, mesh.tp);
            const size_t bytes = Exchange(model->parameters, mesh, sharded).bytes();
            std::lock_guard hold(lock);
            found.insert(bytes);
        });
        return found;
    };
    // Keys of a head: 6 rows of 10 columns, in arenas aligned to 64 elements.
    const auto numbers = [](size_t n) { return std::set<size_t>{(n + 63) / 64 * 64 * sizeof(double)}; };
    REQUIRE(bytes_on(llama(1, true), {.dp = 1, .tp = 4}, false) == numbers(6 * 10));
    REQUIRE(bytes_on(llama(2, true), {.dp = 1, .tp = 4}, false) == numbers(2 * 6 * 10));
    REQUIRE(bytes_on(llama(2, false), {.dp = 2, .tp = 4}, false) == numbers(2 * 6 * 10));
    REQUIRE(bytes_on(llama(4, true), {.dp = 1, .tp = 4}, false) == std::set<size_t>{0});
    REQUIRE(bytes_on(shared_gpt2(), {.dp = 2, .tp = 4}, true) == std::set<size_t>{0});
}
