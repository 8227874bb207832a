// Plans: communication, work and time compared with numbers computed by hand, and the keys of the JSON.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <nlohmann/json.hpp>

#include "engine/plan/counting_comm.h"
#include "engine/plan/counting_ops.h"
#include "engine/plan/report.h"
#include "tests/engine/plans.h"
#include "tests/kernels/entries.h"

using namespace gradus;
using namespace gradus::test;

namespace {

bool alike(double a, double b, double tolerance = 1e-12) { return std::abs(a - b) <= tolerance * std::abs(b); }

PlanRequest on(const std::string& devices, const std::vector<std::string>& assignments) {
    PlanRequest request = small_request(assignments);
    request.devices = parse_devices(devices);
    return request;
}

double bytes_of(const Plan& plan, const std::string& axis, const std::string& kind) {
    double sum = 0;
    for (const CollectivePlan& c : plan.collectives)
        if (c.what.axis == axis && c.what.kind == kind) sum += c.what.calls * c.what.bytes;
    return sum;
}

}  // namespace

TEST_CASE("the counting table has every op") { REQUIRE(missing_entries(counting_ops()) == ""); }

TEST_CASE("A collective on a ring sends each part to every other rank once, an all-reduce twice") {
    REQUIRE(ring_bytes({"dp", "reduce-scatter", 1, 800}, 8) == 700);
    REQUIRE(ring_bytes({"dp", "all-gather", 1, 800}, 8) == 700);
    REQUIRE(ring_bytes({"dp", "all-reduce", 1, 800}, 8) == 1400);
    REQUIRE(ring_bytes({"dp", "all-reduce", 1, 800}, 1) == 0);
}

TEST_CASE("The mesh places tp groups inside a node and dp groups across nodes") {
    const MeshSizes mesh = {.dp = 128, .tp = 4};
    const Placement tp = placement(mesh, "tp", 8), dp = placement(mesh, "dp", 8), world = placement(mesh, "world", 8);
    REQUIRE(tp.ranks == 4);
    REQUIRE(tp.per_node == 4);
    REQUIRE(tp.nodes == 1);
    REQUIRE(dp.ranks == 128);
    REQUIRE(dp.per_node == 2);
    REQUIRE(dp.nodes == 64);
    REQUIRE(world.ranks == 512);
    REQUIRE(world.nodes == 64);
    const Placement wide = placement({.dp = 2, .tp = 16}, "tp", 8);
    REQUIRE(wide.per_node == 8);
    REQUIRE(wide.nodes == 2);
}

TEST_CASE("The time of a collective is its bytes over the slowest link, plus the latency of its steps") {
    const Device h100 = parse_devices("H100").device;
    const CostConstants& k = cost_constants();
    const Collective c = {"dp", "reduce-scatter", 1, 1e9};
    // Inside a node: 7/8 of the bytes over NVLink, in seven steps.
    REQUIRE(alike(seconds_of_call(c, {8, 8, 1}, h100), 0.875e9 / (k.link_share * 450e9) + 8.4e-6 + 7 * 3.4e-6));
    // 64 nodes with two ranks each: the ring uses two network cards.
    REQUIRE(alike(seconds_of_call(c, {128, 2, 64}, h100),
                  127.0 / 128 * 1e9 / (k.link_share * 100e9) + 8.4e-6 + 3.4e-6 + 6 * 14e-6));
    REQUIRE(seconds_of_call(c, {1, 1, 1}, h100) == 0);
}

TEST_CASE("Data parallelism reduce-scatters gradients and all-gathers weights, once per step") {
    const std::string bf16 = "train.dtype=bf16", batch = "train.batch=16";
    const Plan one = make_plan(on("H100", {bf16, batch}));
    REQUIRE(one.collectives.empty());
    REQUIRE_FALSE(one.sharded);
    const Plan four = make_plan(on("4xH100", {bf16, batch}));
    REQUIRE(four.sharded);
    REQUIRE(four.mesh.dp == 4);
    REQUIRE(four.sequences == 4);
    REQUIRE(four.micro_batches == 2);
    REQUIRE(bytes_of(four, "dp", "reduce-scatter") == four.memory.gradients);
    REQUIRE(bytes_of(four, "dp", "all-gather") == four.memory.params);
    REQUIRE(bytes_of(four, "dp", "all-reduce") == 8);  // the norm
    // A quarter of the optimizer's state, up to alignment.
    REQUIRE(alike(four.memory.moments * 4, one.memory.moments, 0.05));
    REQUIRE(alike(four.memory.masters * 4, one.memory.masters, 0.05));
    REQUIRE(alike(four.step.work[size_t(Work::update)].bytes * 4, one.step.work[size_t(Work::update)].bytes, 0.05));

    const Plan repeated = make_plan(on("4xH100", {bf16, batch, "optimizer.sharded=false"}));
    REQUIRE_FALSE(repeated.sharded);
    REQUIRE(bytes_of(repeated, "dp", "all-gather") == 0);
    REQUIRE(bytes_of(repeated, "dp", "all-reduce") == repeated.memory.gradients);
    REQUIRE(repeated.memory.moments == one.memory.moments);

    // With both axes the first rank broadcasts the norm, and if the optimizer is not sharded, the replicated gradients;
    // if it is sharded, ranks of tp sum only their parts of those.
    const auto on_both_axes = [&](const char* sharded) {
        return make_plan(on("4xH100", {bf16, batch, "mesh.tp=2", std::string("optimizer.sharded=") + sharded}));
    };
    const Plan parts = on_both_axes("true"), whole = on_both_axes("false");
    REQUIRE(bytes_of(parts, "dp", "broadcast") == 8);
    REQUIRE(bytes_of(whole, "tp", "all-reduce") == (64 * 48 + 3 * 6 * 64 + 2 * 64) * 4 + 8);
    REQUIRE(bytes_of(whole, "dp", "broadcast") == bytes_of(whole, "tp", "all-reduce"));
    REQUIRE(bytes_of(parts, "tp", "all-reduce") < bytes_of(whole, "tp", "all-reduce"));
}

TEST_CASE(
    "Tensor parallelism gathers and scatters [N,C] activations around each branch, in forward, in backward, and again "
    "in recomputation") {
    // Micro-batches of 2 x 64 tokens, 48 channels, f32; 3 layers; 4 micro-batches.
    const double rows = 2 * 64, activations = rows * 48 * 4, statistics = 2 * rows * 4 * 4;
    const Plan plain = make_plan(on("2xH100", {"mesh.tp=2"}));
    const Plan again = make_plan(on("2xH100", {"mesh.tp=2", "train.recompute=true"}));
    REQUIRE(plain.micro_batches == 4);
    REQUIRE(bytes_of(plain, "tp", "all-gather") == 4 * ((4 * 3 + 2) * activations + statistics));
    REQUIRE(bytes_of(plain, "tp", "reduce-scatter") == 4 * (4 * 3 + 2) * activations);
    REQUIRE(bytes_of(again, "tp", "all-gather") == 4 * ((6 * 3 + 2) * activations + statistics));
    REQUIRE(bytes_of(again, "tp", "reduce-scatter") == 4 * (6 * 3 + 2) * activations);
    // Gradients of weights that both ranks have, once per step, 64 elements for each vector of 48: positions, in each
    // layer two norms and two output biases, the final norm; and the norm of the gradient in f64.
    REQUIRE(bytes_of(plain, "tp", "all-reduce") == (64 * 48 + 3 * 6 * 64 + 2 * 64) * 4 + 8);

    REQUIRE(plain.parameters.attention == 3 * (4 * 48 * 48 + 4 * 48));
    // Matrices and the biases of their rows are halved, output biases are on both ranks; 301 ids are 151 and 150.
    REQUIRE(plain.parameters_of_rank.attention == 3 * (2 * 48 * 48 + 3 * 24 + 48));
    REQUIRE(plain.parameters_of_rank.token_embedding == 151 * 48);
    REQUIRE(plain.parameters.token_embedding == 301 * 48);
}

TEST_CASE("The work of a step is six FLOPs for each matrix weight and token, and causal attention") {
    const Plan plan = make_plan(small_request({"model.tied=false"}));
    const ModelConfig& m = plan.resolved.model;
    const double tokens = double(plan.resolved.tokens_per_step), L = m.L, C = m.C, V = m.V, T = 64;
    REQUIRE(tokens == 8 * 64);
    const double matrices = 12 * L * C * C + V * C;
    REQUIRE(plan.step.work[size_t(Work::matmul)].flops == 6 * matrices * tokens);
    // Forward 2 and backward 5 matmuls of half the T x T scores: 7·T·C of a layer.
    REQUIRE(plan.step.work[size_t(Work::attention)].flops == 7 * L * T * C * tokens);
    const Plan again = make_plan(small_request({"model.tied=false", "train.recompute=true"}));
    REQUIRE(again.step.work[size_t(Work::matmul)].flops == (6 * matrices + 2 * 12 * L * C * C) * tokens);
    REQUIRE(again.flops.causal == plan.flops.causal);
    REQUIRE(again.flops.counted > plan.flops.counted);
    // Two devices divide the work of one.
    const Plan two = make_plan(on("2xH100", {"model.tied=false"}));
    REQUIRE(alike(two.step.work[size_t(Work::matmul)].flops * 2, plan.step.work[size_t(Work::matmul)].flops));
    const Plan halves = make_plan(on("2xH100", {"model.tied=false", "mesh.tp=2", "model.vocab=302"}));
    REQUIRE(alike(halves.step.work[size_t(Work::matmul)].flops * 2, 6 * (matrices + C) * tokens));
    REQUIRE(alike(halves.step.work[size_t(Work::attention)].flops * 2, plan.step.work[size_t(Work::attention)].flops));
}

TEST_CASE("Time is work over rates, cost is time times the given price") {
    PlanRequest request = gpt3_request();
    request.price = 2;
    const Plan plan = make_plan(request);
    const StepTime& t = plan.time;
    const CostConstants& k = cost_constants();
    REQUIRE(alike(t.matmul, plan.step.work[size_t(Work::matmul)].flops / (989.4e12 * k.matmul_share)));
    REQUIRE(t.exposed_tp == t.tp);
    REQUIRE(t.exposed_dp <= t.dp);
    REQUIRE(alike(t.total(), t.matmul + t.attention + t.rows + t.update + t.exposed_tp + t.exposed_dp));
    REQUIRE(alike(plan.hours(), t.total() * 95000 / 3600));
    REQUIRE(alike(plan.cost(), plan.hours() * 1024 * 2));
    REQUIRE(alike(plan.mfu(), plan.flops.causal * 1536 * 2048 / t.total() / (1024 * 989.4e12)));
    REQUIRE(plan.mfu() > 0.1);
    REQUIRE(plan.mfu() < 0.6);

    PlanRequest cpu = small_request({});
    REQUIRE(plan_json(make_plan(cpu), {})["time"].is_null());
    cpu.tflops = 0.4;
    const Plan timed = make_plan(cpu);
    REQUIRE(alike(timed.time.total(), timed.step.flops() / 0.4e12));
    REQUIRE(plan_json(timed, {})["time"]["cost"].is_null());
}

TEST_CASE("Sums of gradients overlap with the backward pass; the all-gather of weights is exposed") {
    const Device h100 = parse_devices("H100").device;
    const MeshSizes mesh = {.dp = 8};
    const double peak = 989.4e12;
    const CostConstants& k = cost_constants();
    const Collective sum = {"dp", "reduce-scatter", 4, 1e9}, gather = {"dp", "all-gather", 4, 5e8},
                     norm = {"dp", "all-reduce", 1, 8};
    const auto seconds = [&](const Collective& c) { return c.calls * seconds_of_call(c, {8, 8, 1}, h100); };
    Counted step;
    step.work[size_t(Work::matmul)].flops = 4 * peak * k.matmul_share;  // four seconds, in two micro-batches
    for (const Collective& c : {sum, gather, norm}) step.add(c);
    const StepTime long_step = step_time(step, mesh, h100, peak, 2);
    REQUIRE(alike(long_step.matmul, 4));
    REQUIRE(alike(long_step.dp, seconds(sum) + seconds(gather) + seconds(norm)));
    REQUIRE(alike(long_step.exposed_dp, seconds(gather) + seconds(norm)));
    step.work[size_t(Work::matmul)].flops /= 4000;  // a millisecond
    const double hidden = k.hidden_share * 0.5e-3 * 2 / 3;
    REQUIRE(hidden < seconds(sum));
    REQUIRE(alike(step_time(step, mesh, h100, peak, 2).exposed_dp,
                  seconds(sum) + seconds(gather) + seconds(norm) - hidden));
    // An unsharded optimizer gathers nothing.
    Counted repeated;
    repeated.work = step.work;
    repeated.add({"dp", "all-reduce", 1, 1e6});
    REQUIRE(step_time(repeated, mesh, h100, peak, 2).exposed_dp == 0);
}

TEST_CASE("The JSON of a plan has the documented keys and the plan's values") {
    PlanRequest request = gpt3_request();
    const Plan plan = make_plan(request);
    const auto json = plan_json(plan, alternatives(request, plan));
    const auto has = [&](const nlohmann::ordered_json& object, std::initializer_list<const char*> keys) {
        REQUIRE(object.size() == keys.size());
        for (const char* key : keys) {
            INFO(key);
            REQUIRE(object.contains(key));
        }
    };
    has(json, {"devices",
               "mesh",
               "sharded",
               "steps",
               "tokens_per_step",
               "sequences",
               "micro_batch",
               "micro_batches",
               "context",
               "parameters",
               "parameters_of_rank",
               "memory_of_rank",
               "host_of_first_rank",
               "flops_per_token",
               "flops_per_step",
               "flops_per_run",
               "work",
               "collectives",
               "time",
               "alternatives"});
    has(json["devices"], {"name", "count", "peak_flops", "source"});
    has(json["mesh"], {"dp", "tp"});
    for (const char* which : {"parameters", "parameters_of_rank"})
        has(json[which], {"token_embedding", "positions", "attention", "feed_forward", "norms", "head", "total",
                          "without_embeddings"});
    has(json["memory_of_rank"],
        {"params", "masters", "moments", "gradients", "activations", "workspace", "communication", "inputs",
         "validation", "samples", "other_models", "process", "checkpoint", "total", "limit", "fits"});
    for (const char* per : {"flops_per_token", "flops_per_step", "flops_per_run"})
        has(json[per], {"parameters", "causal", "full", "counted"});
    has(json["collectives"][0], {"axis", "kind", "ranks", "calls", "bytes", "sent_bytes", "seconds"});
    has(json["time"], {"matmul", "attention", "rows", "update", "dp", "tp", "exposed_dp", "exposed_tp", "step",
                       "tokens_per_second", "mfu", "hours", "cost", "assumes", "prediction_error"});
    has(json["work"], {"matmul", "attention", "rows", "update", "matmuls"});
    double flops = 0;
    for (const auto& m : json["work"]["matmuls"]) {
        const int64_t M = m["shape"][0], N = m["shape"][1], K = m["shape"][2];
        flops += 2.0 * double(M) * double(N) * double(K) * m["calls"].get<double>();
    }
    REQUIRE(flops == json["work"]["matmul"]["flops"]);
    has(json["time"]["prediction_error"], {"runs", "median", "worst"});
    has(json["alternatives"][0], {"arguments", "total", "saved", "fits"});
    REQUIRE(json["parameters"]["total"] == 174604259328);
    REQUIRE(json["flops_per_run"]["parameters"] == 6.0 * 174604259328.0 * 1536 * 2048 * 95000);
    REQUIRE(json["memory_of_rank"]["total"] == plan.memory.total());
    REQUIRE(json["memory_of_rank"]["fits"] == false);
    REQUIRE(nlohmann::ordered_json::parse(json.dump())["time"]["step"] == plan.time.total());
    const std::string text = plan_text(plan, alternatives(request, plan));
    for (const char* part : {"174,604,259,328", "DOES NOT FIT", "6N + 6LHDT", "settings that use less memory"}) {
        INFO(part);
        REQUIRE(text.find(part) != std::string::npos);
    }
}
