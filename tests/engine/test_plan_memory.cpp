// Plans: the planned memory equals a run's, and suggested settings fit.
#include <catch2/catch.hpp>

#include "engine/generate/samples.h"
#include "engine/plan/counting_comm.h"
#include "engine/plan/plan.h"
#include "tests/engine/models.h"
#include "tests/engine/plans.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// Total bytes allocated from a backend, in device and host memory, and the number of allocations.
thread_local double allocated_for_real = 0;
thread_local int allocations = 0;

const Ops& watched_cpu_ops() {
    static const Ops table = [] {
        Ops ops = cpu_ops();
        ops.allocate = [](size_t bytes) {
            allocated_for_real += double(bytes);
            ++allocations;
            return cpu_ops().allocate(bytes);
        };
        ops.allocate_host = [](size_t bytes) {
            ++allocations;
            return cpu_ops().allocate_host(bytes);
        };
        return ops;
    }();
    return table;
}

// Everything that a run allocates before its first step.
struct BuiltRun {
    std::unique_ptr<LanguageModel> model;
    std::unique_ptr<Trainer> trainer;
    std::unique_ptr<Validation> validation;
    std::unique_ptr<Generator> samples;

    BuiltRun(const PlanRequest& request, const Resolved& r, const Mesh& mesh = {})
        : model(make_language_model(watched_cpu_ops(), r.model, r.dtype, r.shape, r.mode, mesh.tp)),
          trainer(std::make_unique<Trainer>(*model, r.trainer, mesh)) {
        if (request.data.validates) validation = std::make_unique<Validation>(*model, mesh);
        if (const auto capacity = capacity_of_samples(r, request.data); capacity.sequences > 0)
            samples = std::make_unique<Generator>(*model, capacity);
    }
};

}  // namespace

TEST_CASE("The memory of a plan equals that of the arenas of the run's model and trainer") {
    for (const char* family : {"gpt2", "llama"})
        for (const char* dtype : {"f32", "bf16"})
            for (const char* recompute : {"false", "true"})
                for (const char* optimizer : {"adamw", "muon"}) {
                    const PlanRequest request = small_request(
                        {std::string("model.family=") + family, std::string("train.dtype=") + dtype,
                         std::string("train.recompute=") + recompute, std::string("optimizer.kind=") + optimizer});
                    INFO(family << " " << dtype << " " << recompute << " " << optimizer);
                    const Plan plan = make_plan(request);
                    const Resolved& r = plan.resolved;
                    allocated_for_real = 0;
                    const BuiltRun run(request, r);
                    const auto& model = run.model;
                    const MemoryPlan& m = plan.memory;
                    REQUIRE(m.params == double(model->parameters.values.bytes()));
                    REQUIRE(m.gradients == double(model->parameters.grads.bytes()));
                    REQUIRE(m.total() - m.process - m.checkpoint == allocated_for_real);
                    REQUIRE(m.masters + m.moments <= double(run.trainer->optimizer().bytes()));
                    REQUIRE((m.masters > 0) == (std::string(dtype) == "bf16"));
                    REQUIRE(m.activations > 0);
                    REQUIRE(m.activations <= double(model->activations.bytes()));
                    REQUIRE(m.communication == 0);
                }
}

TEST_CASE("The memory of a plan equals that of the run on a rank of the mesh") {
    for (const auto& [family, kv_heads] : {std::pair{"gpt2", 0}, {"llama", 0}, {"llama", 1}})
        for (const char* dtype : {"f32", "bf16"})
            for (const char* sharded : {"false", "true"})
                for (const char* tp : {"mesh.tp=1", "mesh.tp=2", "mesh.tp=4"}) {
                    PlanRequest request = small_request(
                        {std::string("model.family=") + family, std::string("train.dtype=") + dtype, tp,
                         std::string("optimizer.sharded=") + sharded, "model.kv_heads=" + std::to_string(kv_heads),
                         "sample.every=5", "sample.prompts=a prompt"});
                    request.devices.count = 4;
                    INFO(family << " " << kv_heads << " " << dtype << " " << sharded << " " << tp);
                    const Plan plan = make_plan(request);
                    const Resolved& r = plan.resolved;
                    const Mesh mesh = counting_mesh(plan.mesh, plan.ranks);
                    allocated_for_real = 0;
                    const BuiltRun run(request, r, mesh);
                    const auto& model = run.model;
                    const MemoryPlan& m = plan.memory;
                    REQUIRE(plan.sharded == (plan.mesh.dp > 1 && r.trainer.optimizer.sharded));
                    REQUIRE(m.params == double(model->parameters.values.bytes()));
                    REQUIRE(m.gradients == double(model->parameters.grads.bytes()));
                    REQUIRE(m.moments == double(run.trainer->optimizer().moment_bytes()));
                    REQUIRE(m.total() - m.process - m.checkpoint - m.communication == allocated_for_real);
                    REQUIRE(m.communication > 0);
                }
}

TEST_CASE("A plan counts validation and samples, by the tokens or bytes of the longest prompt") {
    PlanRequest request = small_request({"sample.tokens=3"});
    const MemoryPlan without_samples = make_plan(request).memory;
    REQUIRE(without_samples.samples == 0);
    REQUIRE(without_samples.validation > 0);
    request.data.validates = false;
    REQUIRE(make_plan(request).memory.total() < without_samples.total());
    REQUIRE(make_plan(request).memory.validation == 0);

    apply_settings(request.config,
                   {parse_assignment("sample.every=5"), parse_assignment("sample.prompts=[\"a\", \"bcd\"]")});
    const auto planned = [&](int longest_prompt) {
        request.data.longest_prompt = longest_prompt;
        const Plan plan = make_plan(request);
        allocated_for_real = 0;
        const BuiltRun run(request, plan.resolved);
        REQUIRE(plan.memory.samples == double(run.samples->bytes()));
        REQUIRE(plan.memory.total() - plan.memory.process - plan.memory.checkpoint == allocated_for_real);
        return plan.memory;
    };
    REQUIRE(planned(2).samples > 0);
    REQUIRE(planned(3).samples > planned(2).samples);
    REQUIRE(planned(-1).samples == planned(4).samples);     // three bytes after an end-of-text token
    REQUIRE(planned(2).process > without_samples.process);  // logits on the host
}

TEST_CASE("Nothing is allocated between the first step of a run and its end, with validation and samples") {
    for (const char* dtype : {"f32", "bf16"}) {
        const PlanRequest request = small_request({std::string("train.dtype=") + dtype, "sample.every=1",
                                                   "sample.prompts=[\"a\", \"b\"]", "sample.tokens=4"});
        const Resolved r = make_plan(request).resolved;
        allocations = 0;
        const BuiltRun run(request, r);
        REQUIRE(allocations > 0);
        initialise(*run.model, 1);
        const NextBatch next = [](int64_t first, HostBatch& batch) {
            for (size_t i = 0; i < batch.tokens.size(); ++i)
                batch.tokens[i] = batch.targets[i] = int32_t((size_t(first) + i) % 5);
        };
        const std::vector<int32_t> bytes_of(size_t(r.model.V), 1);
        const int before = allocations;
        for (int step = 0; step < 3; ++step) {
            run.trainer->step(step, next);
            REQUIRE(run.validation->run(3, next, bytes_of).targets > 0);
            const auto texts = run.samples->generate({{{1, 2}, 0}, {{3}, 1}}, {.max_tokens = 4});
            REQUIRE(texts[0].ids.size() + texts[1].ids.size() > 0);
        }
        REQUIRE(allocations == before);
    }
}

TEST_CASE("A plan counts the copy of the state of all ranks for background checkpoints") {
    const auto planned = [](const char* devices, std::vector<std::string> settings) {
        settings.insert(settings.end(), {"model.width=128", "model.layers=4", "train.batch=16"});
        PlanRequest request = small_request(settings);
        request.devices = parse_devices(devices);
        return make_plan(request);
    };
    const auto is_near = [](double found, double expected) { return std::abs(found / expected - 1) < 0.05; };
    for (const auto& [dtype, bytes] : {std::pair{"f32", 4 + 8}, {"bf16", 2 + 4 + 8}}) {
        const std::string type = std::string("train.dtype=") + dtype;
        REQUIRE(planned("cpu", {type, "checkpoint.background=false"}).host_of_first_rank == 0);
        for (const char* devices : {"cpu", "1xH100", "4xcpu", "4xH100"})
            for (const char* tp : {"mesh.tp=1", "mesh.tp=2", "mesh.tp=4"})
                for (const char* sharded : {"optimizer.sharded=true", "optimizer.sharded=false"}) {
                    if (devices[0] != '4' && std::string(tp) != "mesh.tp=1") continue;
                    INFO(dtype << " on " << devices << ", " << tp << ", " << sharded);
                    const bool one_cpu = std::string(devices) == "cpu";
                    const Plan plan = planned(
                        devices,
                        {type, tp, sharded, one_cpu ? "checkpoint.background=true" : "checkpoint.background=false"});
                    REQUIRE(is_near(plan.host_of_first_rank, bytes * double(plan.parameters.total())));
                    REQUIRE(plan.memory.checkpoint == (plan.resolved.cuda ? 0 : plan.host_of_first_rank));
                    REQUIRE((plan.memory.communication > 0) == (std::string(devices) == "4xcpu"));
                    if (plan.resolved.cuda) REQUIRE(plan.memory.process == plan.device.context_gib * double(1 << 30));
                }
    }
    REQUIRE(planned("2xcpu", {}).memory.communication > 0);
}

TEST_CASE("The memory of a plan for a GPU includes its matmul workspace") {
    const BatchShape shape = {.B = 2, .T = 8};
    const auto room_of = [&](const Ops& ops) {
        return make_language_model(ops, tiny_gpt2(), DType::bf16, shape, {.training = true})
            ->run.stream.workspace_bytes;
    };
    REQUIRE(room_of(counting_ops(cuda_matmul_workspace)) == cuda_matmul_workspace);
    REQUIRE(room_of(counting_ops()) == 0);
    PlanRequest request = small_request({"train.dtype=bf16"});
    const double on_the_cpu = make_plan(request).memory.workspace;
    request.devices = parse_devices("1xH100");
    REQUIRE(make_plan(request).memory.workspace == on_the_cpu + double(cuda_matmul_workspace));
}

TEST_CASE("A plan for a GPU counts its Ops::logit_rows, and one for the CPU the rows of 64 MiB") {
    PlanRequest request =
        small_request({"train.dtype=bf16", "train.context=512", "train.micro_batch=16", "train.batch=16"}, 50257);
    const auto logits = [](int64_t rows) { return rows * 50257 * 2.0; };
    const double on_the_cpu = make_plan(request).memory.workspace;
    request.devices = parse_devices("1xH100");
    const double on_a_gpu = make_plan(request).memory.workspace - double(cuda_matmul_workspace),
                 more = on_a_gpu - on_the_cpu;
    REQUIRE(cuda_logit_rows == 4096);
    REQUIRE(more > logits(4096 - 668));  // out of 16 x 512 rows
    REQUIRE(more < logits(4096 - 600));
}

TEST_CASE("The parameters of a plan, by kind, add up to those of the model") {
    for (const char* name : {"gpt2-124m", "llama-1b", "llama-8b"}) {
        const Plan plan = make_plan(small_request({std::string("model.name=") + name, "model.family=" + family_of(name),
                                                   "model.layers=0", "model.width=0", "model.heads=0"},
                                                  named_model(name).V));
        INFO(name);
        const ModelConfig& m = plan.resolved.model;
        REQUIRE(plan.parameters.total() == parameter_count(m));
        REQUIRE(plan.parameters.total() == parameter_count(named_model(name)));
        REQUIRE(plan.parameters.token_embedding == int64_t(m.V) * m.C);
        REQUIRE(plan.parameters.head == (m.tied ? 0 : int64_t(m.V) * m.C));
        REQUIRE(plan.parameters.without_embeddings() == plan.parameters.total() - plan.parameters.token_embedding -
                                                            plan.parameters.positions - plan.parameters.head);
    }
}

TEST_CASE("A suggested setting that fits does fit when it is applied") {
    PlanRequest request = small_request({"train.batch=8", "train.micro_batch=8"});
    request.memory_gib = make_plan(request).memory.total() * 0.7 / double(1 << 30);
    const Plan plan = make_plan(request);
    REQUIRE_FALSE(plan.fits());
    const auto all = alternatives(request, plan);
    int fitting = 0;
    for (const Alternative& a : all) {
        INFO(a.arguments.front());
        REQUIRE(a.saved > 0);
        PlanRequest changed = request;
        for (const std::string& argument : a.arguments)
            if (argument.starts_with("--set ")) apply_settings(changed.config, {parse_assignment(argument.substr(6))});
        const Plan again = make_plan(changed);
        REQUIRE(again.memory.total() == a.total);
        REQUIRE(again.fits() == a.fits);
        REQUIRE(plan.memory.total() - a.total == a.saved);
        fitting += a.fits;
    }
    REQUIRE(fitting > 0);
}

TEST_CASE("The 175 billion parameters of GPT-3 are planned exactly on a thousand devices") {
    PlanRequest request = gpt3_request();
    const Plan plan = make_plan(request);
    // 12 L C² and 13 L C for matrices and vectors of the blocks, V C and T C for the embeddings, 2 C for the final
    // norm.
    const int64_t L = 96, C = 12288, V = 50257, T = 2048;
    REQUIRE(plan.parameters.total() == 12 * L * C * C + 13 * L * C + V * C + T * C + 2 * C);
    REQUIRE(plan.parameters.total() == 174604259328);
    REQUIRE(plan.ranks == 1024);
    REQUIRE(plan.mesh.dp == 128);
    REQUIRE(plan.mesh.tp == 8);
    REQUIRE(plan.flops.parameters == 6.0 * 174604259328.0);
    REQUIRE(plan.flops.causal == 6.0 * 174604259328.0 + 6.0 * 96 * 12288 * 2048);
    REQUIRE(plan.resolved.tokens_per_step == 1536 * 2048);
    REQUIRE(plan.micro_batches == 12);
    REQUIRE_FALSE(plan.fits());  // 22 billion parameters on a rank are 130 GB of weights and gradients
    REQUIRE(plan.time.total() > 0);
    const auto all = alternatives(request, plan);
    REQUIRE_FALSE(all.empty());
    REQUIRE(all.back().fits);
}

TEST_CASE("Impossible runs are refused with what to type") {
    const auto refused = [](PlanRequest request) {
        try {
            make_plan(request);
        } catch (const Error& e) { return e.fix; }
        return std::string("nothing was refused");
    };
    PlanRequest request = small_request({"train.batch=6", "train.micro_batch=0"});
    request.devices = parse_devices("4xH100");
    REQUIRE(refused(request) == "--set train.batch=8");
    request = small_request({"mesh.tp=3"});
    request.devices = parse_devices("3xH100");
    REQUIRE(refused(request) == "--set mesh.tp=1 --set train.batch=9");
    request = small_request({"mesh.dp=2", "mesh.tp=2"});
    request.devices = parse_devices("3xH100");
    REQUIRE(refused(request).find("mesh.dp") != std::string::npos);
    request = small_request({"train.context=16777216", "train.micro_batch=8"});
    REQUIRE(refused(request) == "--set train.micro_batch=1");
    try {
        parse_devices("8xH10");
        REQUIRE(false);
    } catch (const Error& e) {
        REQUIRE(std::string(e.what()) == "there is no device 'H10'");
        REQUIRE(e.fix == "--devices 8xH100 or --devices 8xH100-PCIe");
    }
    try {
        parse_devices("4xTPUv4");
        REQUIRE(false);
    } catch (const Error& e) { REQUIRE(e.fix.find("one of these") == 0); }
    for (const auto& [given, fix] : {std::pair{"H100x8", "--devices 8xH100"}, {"a100-80x16", "--devices 16xA100-80"}})
        try {
            parse_devices(given);
            REQUIRE(false);
        } catch (const Error& e) { REQUIRE(e.fix == fix); }
    REQUIRE(parse_devices("8 x H100").count == 8);
    REQUIRE_THROWS_AS(parse_devices("0xH100"), Error);
    REQUIRE_THROWS_AS(parse_devices("99999999999xH100"), Error);
}
