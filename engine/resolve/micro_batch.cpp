// The micro-batch of a rank: the largest that divides its part of the batch and whose activations fit the memory. It
// depends on the mesh, so it is not written into the settings.
#include <fmt/format.h>

#include <algorithm>

#include "engine/resolve/resolving.h"

namespace gradus {

namespace {

// Estimates the bytes of a sequence's activations within about 10%: the large tensors of each block.
double bytes_of_a_sequence(const Config& c, const ModelConfig& m) {
    const double stream = double(m.C), heads = double(m.H) * m.D, qkv = double(m.H + 2 * m.G) * m.D,
                 up = double(m.F) * (m.gated ? 3 : 2);
    const double block = 3 * stream + qkv + heads + up;
    const double kept = double(m.L) * (c.train.recompute ? stream : stream + block);
    return double(c.train.context) * (kept + 2 * block) * (c.train.dtype == "bf16" ? 2 : 4);
}

class MicroBatch {
public:
    MicroBatch(Resolving& resolving, const ModelConfig& m, const MeshSizes& mesh_sizes)
        : r(resolving), model(m), mesh(mesh_sizes), batch(r.c.train.batch / mesh.dp) {}

    int64_t chosen() {
        int64_t n = r.c.train.micro_batch > 0 ? r.c.train.micro_batch : largest_that_fits();
        // A recipe for one rank also runs on several: the micro-batch is then an upper bound.
        while (mesh.dp > 1 && n > 1 && !possible(n)) --n;
        if (r.c.train.micro_batch > 0 && n != r.c.train.micro_batch)
            r.notes.push_back(
                fmt::format("train.micro_batch = {} does not divide the {} sequences of a rank: {} at once",
                            r.c.train.micro_batch, batch, n));
        check(n);
        return n;
    }

private:
    // Stages that pack whole texts into rows: a step has as many micro-batches as its texts fill, of any number of rows.
    bool packs_texts() const { return r.c.stage != Stage::pretrain && r.c.stage != Stage::sft; }
    // The rows of a micro-batch must be divisible by the ranks of tp, too.
    bool possible(int64_t n) const { return (packs_texts() || batch % n == 0) && n * r.c.train.context % mesh.tp == 0; }

    int64_t largest_that_fits() {
        const double memory = r.c.train.memory > 0         ? r.c.train.memory
                              : r.c.train.device == "cuda" ? activations_gib_of_gpu
                                                           : activations_gib_of_cpu;
        const double fits = memory * double(1 << 30) / bytes_of_a_sequence(r.c, model) * mesh.tp;
        // A micro-batch that is not full costs as much as a full one.
        constexpr int64_t tokens_of_texts = 2048;
        const int64_t most = packs_texts() ? std::max<int64_t>(1, tokens_of_texts / r.c.train.context) : batch;
        int64_t largest = 1;
        for (int64_t n = 1; n <= most; ++n)
            if (possible(n) && (double(n) <= fits || !possible(largest))) largest = n;
        if (double(largest) > fits)
            r.notes.push_back(
                fmt::format("the activations of the smallest micro-batch, {} of {} tokens, need about "
                            "{:.2g} GiB, more than train.memory = {}",
                            largest, r.c.train.context, double(largest) / fits * memory, memory));
        return largest;
    }

    void check(int64_t n) const {
        if (!packs_texts() && batch % n != 0) {
            int64_t lower = std::min(n, batch);
            while (batch % lower != 0) --lower;
            r.refuse("the micro-batch does not divide the batch", {"train.micro_batch", "train.batch"},
                     fmt::format("--set train.micro_batch={}", lower));
        }
        constexpr int64_t most_rows = int64_t(1) << 31;
        if (n * r.c.train.context >= most_rows)
            r.refuse("the number of tokens of a micro-batch overflows", {"train.micro_batch", "train.context"},
                     "--set train.micro_batch=1, or a shorter train.context");
    }

    Resolving& r;
    const ModelConfig& model;
    const MeshSizes& mesh;
    const int64_t batch;  // sequences of a step on this rank
};

}  // namespace

int64_t resolve_micro_batch(Resolving& r, const ModelConfig& model, const MeshSizes& mesh) {
    return MicroBatch(r, model, mesh).chosen();
}

}  // namespace gradus
