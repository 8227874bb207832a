#include <fmt/format.h>

#include "engine/base/plural.h"
#include "engine/plan/report.h"

namespace gradus {

namespace {

constexpr double bytes_of_gib = 1 << 30, bytes_of_mib = 1 << 20;

std::string head_text(const Plan& p) {
    const Resolved& r = p.resolved;
    const ModelConfig& m = r.model;
    const std::string heads = number_of(m.H, "head") + (m.G == m.H ? "" : " on " + number_of(m.G, "key/value head"));
    std::string text = fmt::format("model    {}, {}, width {}, {}, vocabulary {}, context {}\n", r.config.model.family,
                                   number_of(m.L, "layer"), m.C, heads, text_of_whole(m.V), r.config.train.context);
    text += fmt::format("devices  {} x {}, {}", p.ranks, p.device.name, text_of(p.mesh));
    if (p.mesh.dp > 1) text += p.sharded ? ", optimizer sharded over dp" : ", optimizer replicated on each dp rank";
    text +=
        fmt::format("\nbatch    {} a step; a rank has {} in {} of {}, {}{}\n", number_of(r.tokens_per_step, "token"),
                    number_of(p.sequences, "sequence"), number_of(p.micro_batches, "micro-batch", "micro-batches"),
                    r.trainer.micro_batch, r.config.train.dtype, r.mode.recompute ? ", activations recomputed" : "");
    return text;
}

std::string parameters_text(const Plan& p) {
    std::string text = fmt::format("\nparameters{:>34}{:>18}\n", "whole model", "on a rank");
    const auto line = [&](const char* name, int64_t whole, int64_t rank) {
        if (whole > 0) text += fmt::format("  {:<24}{:>18}{:>18}\n", name, text_of_whole(whole), text_of_whole(rank));
    };
    const ParameterCounts &w = p.parameters, &r = p.parameters_of_rank;
    line("token embedding", w.token_embedding, r.token_embedding);
    line("positions", w.positions, r.positions);
    line("attention", w.attention, r.attention);
    line("feed-forward", w.feed_forward, r.feed_forward);
    line("norms", w.norms, r.norms);
    line("head", w.head, r.head);
    line("total", w.total(), r.total());
    line("without embeddings", w.without_embeddings(), r.without_embeddings());
    return text;
}

std::string memory_text(const Plan& p) {
    const bool small = p.memory.total() < 4 * bytes_of_gib;
    const double unit = small ? bytes_of_mib : bytes_of_gib;
    std::string text = fmt::format("\nmemory of a rank{:>28}\n", small ? "MiB" : "GiB");
    const auto line = [&](const char* name, double bytes, const char* what) {
        if (bytes > 0) text += fmt::format("  {:<24}{:>18.2f}   {}\n", name, bytes / unit, what);
    };
    const MemoryPlan& m = p.memory;
    line("params", m.params, "used by forward and backward");
    line("masters", m.masters, "f32 copies that the optimizer updates");
    line("moments", m.moments, "of the optimizer");
    line("gradients", m.gradients, "f32");
    line("activations", m.activations, "kept for the backward pass, peak");
    line("workspace", m.workspace, "gradients of activations, logits of a chunk, norms");
    line("communication", m.communication, "message buffers");
    line("inputs", m.inputs, "tokens, targets, losses");
    line("validation", m.validation, "the same for validation");
    line("other models", m.other_models, "value model, reference and reward model of the stage");
    line("samples", m.samples, "KV cache and rows of text that is generated during training");
    line("process", m.process,
         p.resolved.cuda ? "driver and libraries (assumed)" : "program, kernels' scratch, batches, mapped data");
    line("checkpoint", m.checkpoint, "copy of the state, on the first rank (checkpoint.background)");
    text += fmt::format("  {:<24}{:>18.2f}", "total", m.total() / unit);
    if (p.memory_limit > 0)
        text += fmt::format("   of {:.2f}: {}", p.memory_limit / unit, p.fits() ? "fits" : "DOES NOT FIT");
    if (p.resolved.cuda)
        text += fmt::format("\n  host of the first rank  {:>18.2f}   copy of the state for a checkpoint",
                            p.host_of_first_rank / unit);
    return text + "\n";
}

std::string work_text(const Plan& p) {
    const double tokens = double(p.resolved.tokens_per_step), steps = double(p.resolved.config.train.steps);
    std::string text = fmt::format("\nwork in FLOP{:>32}{:>18}{:>18}\n", "a token", "a step", "the run");
    const auto line = [&](const char* name, double each) {
        text += fmt::format("  {:<24}{:>18.3e}{:>18.3e}{:>18.3e}\n", name, each, each * tokens, each * tokens * steps);
    };
    line("6N", p.flops.parameters);
    line("6N + 6LHDT (causal)", p.flops.causal);
    line("6N + 12LHDT (full)", p.flops.full);
    line("counted", p.flops.counted);
    return text;
}

std::string communication_text(const Plan& p) {
    if (p.collectives.empty()) return "";
    std::string text = fmt::format("\ncommunication of a step{:>8}{:>10}{:>14}{:>14}{:>12}\n", "ranks", "calls",
                                   "MiB a call", "MiB sent", "ms a call");
    for (const CollectivePlan& c : p.collectives)
        text += fmt::format("  {} {:<18}{:>8}{:>10.0f}{:>14.2f}{:>14.1f}{:>12}\n", c.what.axis, c.what.kind, c.ranks,
                            c.what.calls, c.what.bytes / bytes_of_mib, c.what.calls * c.ring_bytes / bytes_of_mib,
                            c.seconds > 0 ? fmt::format("{:.3f}", c.seconds * 1e3) : "-");
    return text;
}

// The assumptions of a prediction for a GPU. For a CPU the user has given the rate of a step.
std::string assumptions_text(const Plan& p) {
    if (!p.resolved.cuda) return "";
    const CostConstants& c = cost_constants();
    const PredictionError e;
    return fmt::format(
        "assumes  matmuls at {:.0f}% of the peak and attention at {:.0f}% ({:.0f}% where heads are narrower than 128), "
        "as\n"
        "         in other engines; the CUDA kernels of gradus have not been measured: expect a longer run\n"
        "error    against {} published runs of other engines: median {:.0f}%, worst {:.0f}% (docs/scaling.md)\n",
        100 * c.matmul_share, 100 * c.attention_share, 100 * c.narrow_attention_share, e.runs, 100 * e.median,
        100 * e.worst);
}

std::string time_text(const Plan& p) {
    if (!(p.peak > 0))
        return "\ntime     not estimated: the speed of this device is unknown (--tflops, as measured by `gradus bench "
               "ops`)\n";
    const StepTime& t = p.time;
    std::string text = fmt::format(
        "\ntime, predicted                    ms a step\n"
        "  {:<24}{:>18.1f}\n  {:<24}{:>18.1f}\n  {:<24}{:>18.1f}\n  {:<24}{:>18.1f}\n",
        "matmuls", t.matmul * 1e3, "attention", t.attention * 1e3, "elementwise", t.rows * 1e3, "update",
        t.update * 1e3);
    if (p.mesh.tp > 1)
        text += fmt::format("  {:<24}{:>18.1f}   of {:.1f}\n", "tp, exposed", t.exposed_tp * 1e3, t.tp * 1e3);
    if (p.mesh.dp > 1)
        text += fmt::format("  {:<24}{:>18.1f}   of {:.1f}\n", "dp, exposed", t.exposed_dp * 1e3, t.dp * 1e3);
    text += fmt::format("  {:<24}{:>18.1f}\n", "step", t.total() * 1e3);
    text += fmt::format("speed    {} tokens/s, {:.1f}% MFU = (6N + 6LHDT) x tokens/s / ({} x {:.0f} TFLOP/s)\n",
                        text_of_count(p.tokens_per_second()), 100 * p.mfu(), p.ranks, p.peak / 1e12);
    text += fmt::format("run      {}, {} tokens: {:.1f} hours ({:.2f} days)",
                        number_of(p.resolved.config.train.steps, "step"),
                        text_of_count(double(p.resolved.tokens_per_step) * double(p.resolved.config.train.steps)),
                        p.hours(), p.hours() / 24);
    if (p.price > 0) text += fmt::format(", {:.0f} at {} x {} an hour", p.cost(), p.ranks, p.price);
    return text + "\n" + assumptions_text(p);
}

std::string alternatives_text(const Plan& p, const std::vector<Alternative>& all) {
    if (p.fits()) return "";
    std::string text = "\nit does not fit; settings that use less memory, planned in turn:\n";
    for (const Alternative& a : all) {
        std::string arguments;
        for (const std::string& one : a.arguments) arguments += (arguments.empty() ? "" : " ") + one;
        text += fmt::format("  {:<58} saves {:>8.2f} GiB, leaves {:>8.2f}: {}\n", arguments, a.saved / bytes_of_gib,
                            a.total / bytes_of_gib, a.fits ? "fits" : "not enough");
    }
    if (all.empty()) text += "  no setting helps: use a smaller model, or devices with more memory\n";
    return text;
}

}  // namespace

std::string plan_text(const Plan& p, const std::vector<Alternative>& all) {
    return head_text(p) + parameters_text(p) + memory_text(p) + work_text(p) + communication_text(p) + time_text(p) +
           alternatives_text(p, all);
}

}  // namespace gradus
