// Replicated weights stay equal bit for bit, even if every group of ranks adds in its own order.
#include <catch2/catch.hpp>

#include <cmath>
#include <map>

#include "tests/parallel/ranks/training.h"
#include "tests/parallel/threads/thread_ranks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::string bits_of(const Tensor& t) { return {static_cast<const char*>(t.data), t.bytes()}; }

// The result of a rank: the rows of its weights by name and logical rows, and the numbers of its steps.
struct Ended {
    std::map<std::string, std::string> replicated;  // also on other ranks of tp
    std::map<std::string, std::string> all;
    std::string results;
};

Ended ended(Training& t, const std::vector<StepResult>& steps) {
    Ended e;
    for (const Weight& w : t.model->weights())
        for (const WeightSlice& p : w.slices) {
            const std::string name =
                w.name + " from row " + std::to_string(p.logical_row) + ", column " + std::to_string(p.logical_column);
            e.all[name] = bits_of(as_matrix(w.value).slice(p.row, p.rows));
            if (p.copies > 1) e.replicated[name] = e.all[name];
        }
    for (const StepResult& r : steps)
        for (double x : {r.loss, r.grad_norm, double(r.verdict)})
            e.results.append(reinterpret_cast<const char*>(&x), sizeof x);
    return e;
}

ModelConfig with_biases(ModelConfig m) {
    m.bias = true;
    return m;
}

}  // namespace

TEST_CASE("Each group of thread ranks adds in its own order, with the same result on all of its ranks") {
    for (const char* axis : {"dp", "tp"}) {
        std::vector<std::string> sums(16), scattered(16);
        ThreadRanks({.dp = 4, .tp = 4}).run([&](const Mesh& mesh) {
            const Comm& comm = std::string(axis) == "dp" ? mesh.dp : mesh.tp;
            std::vector<float> x(64), part(16);
            for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(float(100 * comm.rank) + float(i));
            const Tensor t = {x.data(), DType::f32, {64}}, p = {part.data(), DType::f32, {16}};
            comm.reduce_scatter(p, t, {});
            comm.sum(t, {});
            sums[size_t(mesh.world.rank)] = bits_of(t);
            scattered[size_t(mesh.world.rank)] = bits_of(t.part(comm.rank * 16, 16)) == bits_of(p) ? "part" : "other";
        });
        const auto at = [&](int group, int rank) {
            return sums[size_t(std::string(axis) == "dp" ? 4 * rank + group : 4 * group + rank)];
        };
        for (int group = 0; group < 4; ++group)
            for (int rank = 0; rank < 4; ++rank) REQUIRE(at(group, rank) == at(group, 0));
        for (int group = 1; group < 4; ++group) REQUIRE(at(group, 0) != at(0, 0));
        REQUIRE(scattered == std::vector<std::string>(16, "part"));
    }
}

TEST_CASE(
    "Weights replicated over tp and dp have the same bits on all ranks, for any order of addition in their groups") {
    struct Case {
        const char* name;
        ModelConfig model;
        DType dtype;
        bool sharded;
    };
    for (const Case& c :
         {Case{"GPT-2", shared_gpt2(), DType::f32, true},
          {"GPT-2, optimizer not sharded", shared_gpt2(), DType::f32, false},
          {"LLaMA with 2 key/value heads", shared_llama(2), DType::bf16, true},
          {"LLaMA with 1 key/value head and biases", with_biases(shared_llama(1)), DType::f32, false},
          {"LLaMA with 2 key/value heads and biases", with_biases(shared_llama(2)), DType::f32, true}}) {
        INFO(c.name);
        std::vector<Ended> ranks(16);
        ThreadRanks({.dp = 4, .tp = 4}).run([&](const Mesh& mesh) {
            Training t({.model = c.model,
                        .ops = c.dtype == DType::f32 ? reference_ops() : cpu_ops(),
                        .dtype = c.dtype,
                        .sharded = c.sharded,
                        .clip = 0.1},
                       mesh);
            const std::vector<StepResult> steps = t.steps(0, 6);
            for (const StepResult& s : steps) CHECK(s.grad_norm > 0.1, "nothing is clipped");
            ranks[size_t(mesh.world.rank)] = ended(t, steps);
        });
        for (size_t rank = 1; rank < 16; ++rank) {
            INFO("rank " << rank);
            REQUIRE(ranks[rank].results == ranks[0].results);
            const size_t first_of_tp = rank % 4;
            for (const auto& [name, bits] : ranks[rank].all) {
                INFO(name);
                REQUIRE(bits == ranks[first_of_tp].all.at(name));
            }
            REQUIRE_FALSE(ranks[rank].replicated.empty());
            for (const auto& [name, bits] : ranks[rank].replicated) {
                INFO(name);
                for (const Ended& other : ranks)
                    if (other.replicated.contains(name)) REQUIRE(bits == other.replicated.at(name));
            }
        }
    }
}
