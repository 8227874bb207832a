#include <nlohmann/json.hpp>

#include "engine/plan/report.h"

namespace gradus {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ParameterCounts& p) {
    return {{"token_embedding", p.token_embedding},
            {"positions", p.positions},
            {"attention", p.attention},
            {"feed_forward", p.feed_forward},
            {"norms", p.norms},
            {"head", p.head},
            {"total", p.total()},
            {"without_embeddings", p.without_embeddings()}};
}

Json memory_of(const Plan& p) {
    const MemoryPlan& m = p.memory;
    return {{"params", m.params},
            {"masters", m.masters},
            {"moments", m.moments},
            {"gradients", m.gradients},
            {"activations", m.activations},
            {"workspace", m.workspace},
            {"communication", m.communication},
            {"inputs", m.inputs},
            {"validation", m.validation},
            {"samples", m.samples},
            {"other_models", m.other_models},
            {"process", m.process},
            {"checkpoint", m.checkpoint},
            {"total", m.total()},
            {"limit", p.memory_limit > 0 ? Json(p.memory_limit) : Json(nullptr)},
            {"fits", p.memory_limit > 0 ? Json(p.fits()) : Json(nullptr)}};
}

Json flops_of(const FlopsPerToken& f, double times) {
    return {{"parameters", f.parameters * times},
            {"causal", f.causal * times},
            {"full", f.full * times},
            {"counted", f.counted * times}};
}

Json json_of(const Amount& a) { return {{"calls", a.calls}, {"flops", a.flops}, {"bytes", a.bytes}}; }

Json work_of(const Counted& step) {
    const auto of = [&](Work w) { return json_of(step.work[size_t(w)]); };
    Json matmuls = Json::array();
    for (const auto& [shape, amount] : step.matmuls) matmuls.push_back({{"shape", shape}, {"calls", amount.calls}});
    return {{"matmul", of(Work::matmul)},
            {"attention", of(Work::attention)},
            {"rows", of(Work::rows)},
            {"update", of(Work::update)},
            {"matmuls", matmuls}};
}

Json time_of(const Plan& p) {
    if (!(p.peak > 0)) return nullptr;
    const StepTime& t = p.time;
    const CostConstants& c = cost_constants();
    const PredictionError error;
    const bool modelled = p.resolved.cuda;
    const Json assumes = {{"matmul_share", c.matmul_share},
                          {"attention_share", c.attention_share},
                          {"narrow_attention_share", c.narrow_attention_share},
                          {"memory_share", c.memory_share},
                          {"reached_by_gradus", false}},
               error_of = {{"runs", error.runs}, {"median", error.median}, {"worst", error.worst}};
    return {{"matmul", t.matmul},
            {"attention", t.attention},
            {"rows", t.rows},
            {"update", t.update},
            {"dp", t.dp},
            {"tp", t.tp},
            {"exposed_dp", t.exposed_dp},
            {"exposed_tp", t.exposed_tp},
            {"step", t.total()},
            {"tokens_per_second", p.tokens_per_second()},
            {"mfu", p.mfu()},
            {"hours", p.hours()},
            {"cost", p.price > 0 ? Json(p.cost()) : Json(nullptr)},
            {"assumes", modelled ? assumes : Json(nullptr)},
            {"prediction_error", modelled ? error_of : Json(nullptr)}};
}

}  // namespace

Json plan_json(const Plan& p, const std::vector<Alternative>& alternatives) {
    const Resolved& r = p.resolved;
    Json collectives = Json::array(), others = Json::array();
    for (const CollectivePlan& c : p.collectives)
        collectives.push_back({{"axis", c.what.axis},
                               {"kind", c.what.kind},
                               {"ranks", c.ranks},
                               {"calls", c.what.calls},
                               {"bytes", c.what.bytes},
                               {"sent_bytes", c.ring_bytes},
                               {"seconds", c.seconds > 0 ? Json(c.seconds) : Json(nullptr)}});
    for (const Alternative& a : alternatives)
        others.push_back({{"arguments", a.arguments}, {"total", a.total}, {"saved", a.saved}, {"fits", a.fits}});
    const double tokens = double(r.tokens_per_step), steps = double(r.config.train.steps);
    return {{"devices",
             {{"name", p.device.name},
              {"count", p.ranks},
              {"peak_flops", p.peak > 0 ? Json(p.peak) : Json(nullptr)},
              {"source", p.device.source}}},
            {"mesh", {{"dp", p.mesh.dp}, {"tp", p.mesh.tp}}},
            {"sharded", p.sharded},
            {"steps", r.config.train.steps},
            {"tokens_per_step", r.tokens_per_step},
            {"sequences", p.sequences},
            {"micro_batch", r.trainer.micro_batch},
            {"micro_batches", p.micro_batches},
            {"context", r.config.train.context},
            {"parameters", json_of(p.parameters)},
            {"parameters_of_rank", json_of(p.parameters_of_rank)},
            {"memory_of_rank", memory_of(p)},
            {"host_of_first_rank", p.host_of_first_rank},
            {"flops_per_token", flops_of(p.flops, 1)},
            {"flops_per_step", flops_of(p.flops, tokens)},
            {"flops_per_run", flops_of(p.flops, tokens * steps)},
            {"work", work_of(p.step)},
            {"collectives", collectives},
            {"time", time_of(p)},
            {"alternatives", others}};
}

}  // namespace gradus
