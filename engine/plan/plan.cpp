#include "engine/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/generate/samples.h"
#include "engine/loop/validation.h"
#include "engine/plan/counting_comm.h"
#include "engine/plan/cpu_process.h"
#include "engine/score_model.h"

namespace gradus {

namespace {

ParameterCounts parameters_of(LanguageModel& model) {
    ParameterCounts p;
    for (const Weight& w : model.weights()) {
        const auto has = [&](const char* part) { return w.name.find(part) != std::string::npos; };
        int64_t& kind = w.name == "wte"        ? p.token_embedding
                        : w.name == "wpe"      ? p.positions
                        : w.name == "head"     ? p.head
                        : has("attention.")    ? p.attention
                        : has("feed_forward.") ? p.feed_forward
                                               : p.norms;
        kind += w.spec.shape.size();
    }
    return p;
}

int ranks_of(const PlanRequest& request) {
    if (request.devices.count > 0) return request.devices.count;
    const int64_t ranks = std::max<int64_t>(1, request.config.mesh.dp) * request.config.mesh.tp;
    if (ranks > most_devices)
        throw Error(fmt::format("a mesh of {} ranks is too large", ranks),
                    fmt::format("mesh.dp times mesh.tp; the limit is {}", most_devices), "--mesh dp=4,tp=2");
    return int(ranks);
}

Resolved resolve_for(const PlanRequest& request, int ranks) {
    Config c = request.config;
    if (c.run.dir.empty()) c.run.dir = "run";
    if (c.data.dir.empty() && c.data.train.empty()) c.data.dir = "data";
    c.train.device = request.devices.device.is_cpu() ? "cpu" : "cuda";
    return resolve(c, request.data, request.base, ranks);
}

// Error if the dry run itself would need too much memory.
void require_plannable(const Resolved& r) {
    constexpr int64_t most_rows = int64_t(1) << 24, most_turns = int64_t(1) << 29;
    const int64_t rows = int64_t(r.shape.B) * r.shape.T;
    if (rows > most_rows)
        throw Error(fmt::format("a micro-batch of {} tokens is too large to plan", rows),
                    fmt::format("train.micro_batch = {} sequences of train.context = {}; the limit is {} tokens",
                                r.shape.B, r.shape.T, most_rows),
                    r.shape.B > 1 ? "--set train.micro_batch=1" : fmt::format("--set train.context={}", most_rows));
    if (r.model.position == Position::rotary && int64_t(r.model.context) * r.model.D > most_turns)
        throw Error(
            fmt::format("{} rotary positions of heads {} wide are too many to plan", r.model.context, r.model.D),
            "model.context, which is at least train.context",
            fmt::format("--set model.context={}", most_turns / r.model.D));
}

// One rank of the run, built and run on the counting table.
class DryRun {
public:
    explicit DryRun(const Plan& plan) : plan_(plan), mesh_(counting_mesh(plan.mesh, plan.ranks)) {
        const Resolved& r = plan.resolved;
        model = make_language_model(counting_ops(plan.device.matmul_workspace, plan.device.logit_rows), r.model,
                                    r.dtype, r.shape, r.mode, mesh_.tp);
        of_model_ = counting_.take();
    }

    // Counts a step of that many micro-batches; `trainer` is left in that configuration.
    Counted step(int64_t micro_batches) {
        TrainerConfig c = plan_.resolved.trainer;
        c.batch = int(micro_batches * c.micro_batch * plan_.mesh.dp);
        trainer = std::make_unique<Trainer>(*model, c, mesh_);
        const Counted of_trainer = counting_.take();
        allocated = of_trainer.allocated;
        whole_pages = of_model_.whole_pages + of_trainer.whole_pages;
        trainer->step(0, [](int64_t, HostBatch&) {});
        return counting_.take();
    }

    // Everything allocated besides the trainer during the run.
    void make_others(const DataFacts& data) {
        if (data.validates) validation = double(Validation(*model, mesh_).bytes());
        const Generator::Capacity capacity = capacity_of_samples(plan_.resolved, data);
        if (capacity.sequences > 0) {
            Generator generator(*model, capacity);
            samples = double(generator.bytes());
            samples_on_host = double(generator.host_bytes());
            // The largest call: all rows that can be fed at once.
            const int length = std::min(std::max(capacity.rows / capacity.sequences, 1), capacity.context - 1);
            const Prompt prompt = {std::vector<int32_t>(size_t(length), 0)};
            generator.generate(std::vector<Prompt>(size_t(capacity.sequences), prompt),
                               {.max_tokens = 1, .sampling = {.temperature = 0}});
        }
        beside = counting_.take();
        whole_pages += beside.whole_pages;
    }

    std::unique_ptr<LanguageModel> model;
    std::unique_ptr<Trainer> trainer;
    double validation = 0, samples = 0, samples_on_host = 0;
    Counted beside;          // of make_others()
    double allocated = 0;    // by the trainer
    double whole_pages = 0;  // of all blocks (Counted)

private:
    const Plan& plan_;
    Mesh mesh_;
    Counting counting_;
    Counted of_model_;
};

void fill_activations(MemoryPlan& memory, const LanguageModel& model) {
    for (const Arena::Entry& e : model.activations.entries())
        if (e.name.starts_with("stream.") || e.name.starts_with("block."))
            memory.activations += double(e.tensor->bytes());
    memory.workspace += double(model.activation_bytes()) - memory.activations;
}

// Bytes of Snapshot::copy (engine/checkpoint/snapshot.h) on the first rank: the state of all ranks.
double checkpoint_copy(const Plan& plan) {
    const Resolved& r = plan.resolved;
    if (!r.config.checkpoint.background && plan.ranks == 1 && !r.cuda) return 0;
    const double shards = plan.sharded ? plan.mesh.dp : 1;
    return double(plan.parameters.total()) * double(size_of(r.dtype)) +
           shards * plan.mesh.tp * (plan.memory.masters + plan.memory.moments);
}

// The models beside the one that `rank` trains.
double other_models(const Plan& plan, const DryRun& rank) {
    const Resolved& r = plan.resolved;
    const Ops& ops = counting_ops(plan.device.matmul_workspace, plan.device.logit_rows);
    const Mode frozen = {.parts = r.mode.parts};
    const Mesh mesh = counting_mesh(plan.mesh, plan.ranks);
    const auto bytes_of = [](const auto& model) {
        return double(model.parameters.values.bytes() + model.parameters.grads.bytes() + model.activation_bytes());
    };
    const auto scalar = [&](Mode mode) { return bytes_of(ScoreModel(ops, r.model, r.dtype, r.shape, mode, mesh.tp)); };
    const auto reference = [&] {
        return bytes_of(*make_language_model(ops, r.model, r.dtype, r.shape, frozen, mesh.tp));
    };
    if (r.config.stage == Stage::ppo)
        return scalar(r.mode) + scalar(frozen) + reference() +
               double(rank.trainer->optimizer().bytes() - rank.trainer->optimizer().average_bytes());  // of the values
    if (r.config.stage == Stage::grpo)
        return (r.config.grpo.beta > 0 ? reference() : 0) + (r.config.grpo.reward.empty() ? 0 : scalar(frozen));
    return 0;
}

// The generator of a policy's answers, as tools/align/policy_run.h makes it.
double rollout_bytes(const Plan& plan, LanguageModel& model) {
    const Config& c = plan.resolved.config;
    if (c.stage != Stage::ppo && c.stage != Stage::grpo) return 0;
    const RolloutSettings& s = c.rollouts();
    return double(Generator(model, {.sequences = int(std::min(s.at_once, s.batch)),
                                    .context = int(c.train.context),
                                    .rows = int(std::max<int64_t>(128, 2 * s.at_once))})
                      .bytes());
}

void dry_run(Plan& plan, const PlanRequest& request) {
    const Resolved& r = plan.resolved;
    DryRun rank(plan);
    const Counted two = rank.step(2);
    const double more_inputs = rank.allocated;
    const Counted one = rank.step(1);
    rank.make_others(request.data);
    plan.step = one.plus(two.plus(one, -1), double(plan.micro_batches - 1));
    std::stable_sort(plan.step.collectives.begin(), plan.step.collectives.end(),
                     [](const Collective& a, const Collective& b) { return a.axis < b.axis; });
    plan.parameters_of_rank = parameters_of(*rank.model);
    plan.parameters = plan.mesh.tp == 1 ? plan.parameters_of_rank
                                        : parameters_of(*make_language_model(counting_ops(), r.model, r.dtype));

    MemoryPlan& m = plan.memory;
    const Optimizer& optimizer = rank.trainer->optimizer();
    m.params = double(rank.model->parameters.values.bytes());
    m.gradients = double(rank.model->parameters.grads.bytes());
    m.masters = double(optimizer.master_bytes());
    m.moments = double(optimizer.moment_bytes());
    m.workspace = double(optimizer.bytes() - optimizer.master_bytes() - optimizer.moment_bytes());
    m.inputs =
        rank.allocated - double(optimizer.bytes()) + double(plan.micro_batches - 1) * (more_inputs - rank.allocated);
    m.validation = rank.validation;
    m.samples = rank.samples + rollout_bytes(plan, *rank.model);
    m.other_models = other_models(plan, rank);
    fill_activations(m, *rank.model);
    plan.sharded = optimizer.sharded();
    plan.host_of_first_rank = checkpoint_copy(plan);
    if (r.cuda) {
        m.process = plan.device.context_gib * double(1 << 30);
    } else {
        double largest = 0;
        for (const Weight& w : rank.model->weights()) largest = std::max(largest, double(w.value.bytes()));
        const CpuRun run = {.threads = request.threads,
                            .ranks = plan.ranks,
                            .sequences = double(plan.sequences),
                            .mapped_bytes = request.mapped_bytes,
                            .steps = double(r.config.train.steps),
                            .largest_weight = largest,
                            .whole_pages = rank.whole_pages,
                            .samples = rank.samples_on_host};
        m.process = std::ceil(cpu_process(rank.model->run, plan.step.plus(rank.beside, 1), run).total());
        if (plan.ranks > 1) m.communication = cpu_staging(plan.mesh);
        m.checkpoint = plan.host_of_first_rank;
    }
}

void fill_flops(Plan& plan) {
    const ModelConfig& m = plan.resolved.model;
    const double N = double(plan.parameters.total()), T = double(plan.resolved.shape.T),
                 attention = double(m.L) * m.H * m.D * T;
    plan.flops.parameters = 6 * N;
    plan.flops.causal = 6 * N + 6 * attention;
    plan.flops.full = 6 * N + 12 * attention;
    plan.flops.counted = plan.step.flops() * plan.ranks / double(plan.resolved.tokens_per_step);
}

double peak_of(const Plan& plan, double tflops) {
    if (tflops > 0) return tflops * 1e12;
    return (plan.resolved.dtype == DType::bf16 ? plan.device.bf16_tflops : plan.device.f32_tflops) * 1e12;
}

}  // namespace

Plan make_plan(const PlanRequest& request) {
    Plan plan;
    plan.device = request.devices.device;
    plan.ranks = ranks_of(request);
    plan.resolved = resolve_for(request, plan.ranks);
    plan.mesh = plan.resolved.mesh;
    plan.sequences = plan.resolved.trainer.batch / plan.mesh.dp;
    // Of stages that pack texts into rows: if every text filled its row.
    const int64_t micro_batch = plan.resolved.trainer.micro_batch;
    plan.micro_batches = (plan.sequences + micro_batch - 1) / micro_batch;
    require_plannable(plan.resolved);

    dry_run(plan, request);
    fill_flops(plan);
    plan.memory_limit = (request.memory_gib > 0 ? request.memory_gib : plan.device.memory_gib) * double(1 << 30);
    plan.price = request.price;
    plan.peak = peak_of(plan, request.tflops);
    if (plan.peak > 0) plan.time = step_time(plan.step, plan.mesh, plan.device, plan.peak, plan.micro_batches);
    for (const Collective& c : plan.step.collectives) {
        const Placement place = placement(plan.mesh, c.axis, plan.device.node);
        plan.collectives.push_back(
            {.what = c,
             .ranks = place.ranks,
             .ring_bytes = ring_bytes(c, place.ranks),
             .seconds = plan.device.nvlink_gbs > 0 ? seconds_of_call(c, place, plan.device) : 0});
    }
    return plan;
}

}  // namespace gradus
