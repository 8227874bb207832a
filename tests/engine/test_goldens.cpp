// Comparison with PyTorch and transformers on the same weights: an independent reference.
// tools/generate/model_goldens.py makes and documents the files. Compiled into a program for each kind of table
// (golden_tables.h).
#include <catch2/catch.hpp>
#include <cstring>
#include <map>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/weights.h"
#include "engine/models/family.h"
#include "tests/engine/golden_tables.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int B = 2, T = 17, steps = 10;

struct Golden {
    fs::path folder;
    SafetensorsFile file;

    explicit Golden(const std::string& name, const char* which = "golden.safetensors")
        : folder(fs::path(GRADUS_ROOT) / "tests/goldens/models" / name), file(folder / which) {}

    std::vector<double> read(const std::string& name) const {
        const auto* entry = file.find(name);
        REQUIRE(entry != nullptr);
        std::vector<double> all;
        auto copy = [&](auto zero) {
            std::vector<decltype(zero)> raw(entry->bytes / sizeof zero);
            std::memcpy(raw.data(), entry->data, entry->bytes);
            all.assign(raw.begin(), raw.end());
        };
        if (entry->dtype == "F32") copy(0.0f);
        else if (entry->dtype == "F64") copy(0.0);
        else copy(int32_t(0));
        return all;
    }
    std::vector<int32_t> ids(const std::string& name) const {
        const auto all = read(name);
        return {all.begin(), all.end()};
    }
    HostBatch batch() const {
        HostBatch host(B, T);
        host.tokens = ids("tokens");
        host.targets = ids("targets");
        return host;
    }
};

std::vector<double> external_gradient(const Ops& ops, const Weight& w, const ExternalTensor& e) {
    const int64_t columns = w.spec.shape.rank == 2 ? w.spec.shape.dim[1] : w.value.size();
    const auto all = read(ops, w.grad);
    std::vector<double> part(all.begin() + e.first_row * columns, all.begin() + (e.first_row + e.rows) * columns);
    if (!e.transposed) return part;
    std::vector<double> turned(part.size());
    for (int64_t r = 0; r < e.rows; ++r)
        for (int64_t c = 0; c < columns; ++c) turned[size_t(c * e.rows + r)] = part[size_t(r * columns + c)];
    return turned;
}

}  // namespace

TEST_CASE("logits and loss equal those of transformers") {
    for (const char* name : {"gpt2", "llama", "llama-tied"})
        for (const GoldenTable& t : golden_tables()) {
            INFO(name << " on " << t.ops.name << " in " << name_of(t.dtype));
            const Golden golden(name);
            Bench bench(t.ops, read_model_config(golden.folder), t.dtype, {.B = B, .T = T});
            load_weights(*bench.model, golden.folder);
            bench.upload(golden.batch());
            logits_of(*bench.model, bench.batch, bench.logits);
            bench.model->loss(bench.batch, bench.losses, {});
            REQUIRE(relative(read(t.ops, bench.logits), golden.read(std::string("logits") + t.suffix)) <= t.bound);
            double loss = 0;
            for (double x : read(t.ops, bench.losses)) loss += x;
            loss /= double(golden.batch().valid_targets());
            REQUIRE(relative({loss}, golden.read(std::string("loss") + t.suffix)) <= t.bound);
        }
}

TEST_CASE("every gradient equals that of transformers") {
    for (const char* name : {"gpt2", "llama", "llama-tied"})
        for (const GoldenTable& t : golden_tables()) {
            if (t.dtype == DType::f64) continue;  // golden gradients are in single precision only
            const Golden golden(name);
            Bench bench(t.ops, read_model_config(golden.folder), t.dtype, {.B = B, .T = T}, {.training = true});
            load_weights(*bench.model, golden.folder);
            bench.upload(golden.batch());
            bench.model->step.upload({.loss_scale = 1.0 / double(golden.batch().valid_targets())},
                                     bench.model->run.stream);
            bench.model->loss_and_backward(bench.batch, bench.losses);
            const Family& files = family_named(bench.model->config().family);
            int compared = 0;
            for (const Weight& w : bench.model->weights())
                for (const ExternalTensor& e : files.external(bench.model->config(), w.name, w.spec)) {
                    std::string grad = "grad." + e.name;
                    if (!golden.file.find(grad)) grad = std::string("grad.") + files.prefix + e.name;
                    INFO(name << " on " << t.ops.name << ": " << grad);
                    REQUIRE(relative(external_gradient(t.ops, w, e), golden.read(grad)) <= t.bound);
                    ++compared;
                }
            int expected = 0;
            for (const auto& entry : golden.file.entries()) expected += entry.name.rfind("grad.", 0) == 0;
            REQUIRE(compared == expected);
        }
}

TEST_CASE("ten training steps have the losses and gradient norms of PyTorch") {
    for (const char* name : {"gpt2", "llama", "llama-tied"})
        for (const GoldenTable& t : golden_tables()) {
            INFO(name << " on " << t.ops.name << " in " << name_of(t.dtype));
            const Golden golden(name);
            auto model = make_language_model(t.ops, read_model_config(golden.folder), t.dtype, {.B = B, .T = T},
                                             {.training = true});
            load_weights(*model, golden.folder);
            TrainerConfig c;
            c.batch = c.micro_batch = B;
            c.context = T;
            c.schedule = {Decay::constant, 1e-3, 0, 0, steps, 0};
            Trainer trainer(*model, c);
            std::vector<double> losses, norms;
            for (int step = 0; step < steps; ++step) {
                const StepResult r = trainer.step(step, [&](int64_t, HostBatch& b) { b = golden.batch(); });
                losses.push_back(r.loss);
                norms.push_back(r.grad_norm);
            }
            REQUIRE(relative(losses, golden.read(std::string("losses") + t.suffix)) <= t.bound);
            REQUIRE(relative(norms, golden.read(std::string("norms") + t.suffix)) <= t.bound);
        }
}

TEST_CASE("packed documents have the logits of transformers with a block-diagonal mask") {
    for (const char* name : {"gpt2", "llama", "llama-tied"})
        for (const GoldenTable& t : golden_tables()) {
            INFO(name << " on " << t.ops.name << " in " << name_of(t.dtype));
            const Golden golden(name, "packed.safetensors");
            Bench bench(t.ops, read_model_config(golden.folder), t.dtype, {.B = 1, .T = T});
            load_weights(*bench.model, golden.folder);
            HostBatch host(1, T);
            host.tokens = golden.ids("tokens");
            host.positions = golden.ids("positions");
            for (int i = 0; i < T; ++i) host.first_key[size_t(i)] = i - host.positions[size_t(i)];
            bench.upload(host);
            logits_of(*bench.model, bench.batch, bench.logits);
            REQUIRE(relative(read(t.ops, bench.logits), golden.read(std::string("logits") + t.suffix)) <= t.bound);
        }
}
