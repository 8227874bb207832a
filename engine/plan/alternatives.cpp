// Finds settings that save memory by planning with each.
#include <algorithm>

#include <fmt/format.h>

#include "engine/plan/plan.h"

namespace gradus {

namespace {

// A changed request and the command-line arguments of the changes.
struct Change {
    PlanRequest request;
    std::vector<std::string> arguments;

    Change with(const std::string& key, const std::string& value) const {
        Change next = *this;
        apply_settings(next.request.config, {parse_assignment(key + "=" + value)});
        next.say("--set " + key + "=", value);
        return next;
    }
    Change with_tp(int tp) const {
        const Change next = with("mesh.tp", std::to_string(tp));
        return request.config.mesh.dp == 0 ? next : next.with("mesh.dp", "0");
    }
    Change with_devices(int count) const {
        Change next = *this;
        next.request.devices.count = count;
        next.say("--devices ", fmt::format("{}x{}", count, request.devices.device.name));
        return request.config.mesh.dp == 0 ? next : next.with("mesh.dp", "0");
    }
    void say(const std::string& option, const std::string& value) {
        std::erase_if(arguments, [&](const std::string& a) { return a.starts_with(option); });
        arguments.push_back(option + value);
    }
};

std::optional<Plan> planned(const Change& change) {
    try {
        return make_plan(change.request);
    } catch (const Error&) { return std::nullopt; }  // heads that do not divide, a batch too small for the ranks
}

bool fits(const Change& change) {
    const auto plan = planned(change);
    return plan && plan->fits();
}

std::vector<int64_t> divisors_below(int64_t n, int64_t limit) {
    std::vector<int64_t> all;
    for (int64_t d = std::min(n, limit - 1); d >= 1; --d)
        if (n % d == 0) all.push_back(d);
    return all;
}

// The largest micro-batch below the plan's that fits, or 1.
Change with_smaller_micro_batch(const Change& change, int64_t sequences, int64_t below) {
    for (int64_t micro : divisors_below(sequences, below)) {
        const Change next = change.with("train.micro_batch", std::to_string(micro));
        if (micro == 1 || fits(next)) return next;
    }
    return change;
}

std::vector<Change> single_changes(const Change& start, const Plan& plan) {
    std::vector<Change> all;
    const Config& c = plan.resolved.config;
    if (plan.resolved.trainer.micro_batch > 1)
        all.push_back(with_smaller_micro_batch(start, plan.sequences, plan.resolved.trainer.micro_batch));
    if (!c.train.recompute) all.push_back(start.with("train.recompute", "true"));
    if (c.train.dtype == "f32" && plan.resolved.cuda) all.push_back(start.with("train.dtype", "bf16"));
    if (!c.optimizer.sharded) all.push_back(start.with("optimizer.sharded", "true"));
    if (plan.memory.checkpoint > 0 && plan.ranks == 1) all.push_back(start.with("checkpoint.background", "false"));
    for (int tp : {2, 4, 8})
        if (tp > plan.mesh.tp && plan.ranks % tp == 0) all.push_back(start.with_tp(tp));
    return all;
}

// First everything that only costs time, then tp within a node, then more devices; finally the largest micro-batch.
std::optional<Change> combination(const Change& start, const Plan& plan) {
    Change change = start;
    if (!plan.resolved.config.train.recompute) change = change.with("train.recompute", "true");
    if (!plan.resolved.config.optimizer.sharded) change = change.with("optimizer.sharded", "true");
    if (plan.memory.checkpoint > 0 && plan.ranks == 1) change = change.with("checkpoint.background", "false");
    change = change.with("train.micro_batch", "1");
    const int most = plan.resolved.cuda ? std::max(4096, plan.ranks) : plan.ranks;  // ranks on a CPU share its memory
    for (int ranks = plan.ranks; ranks <= most; ranks *= 2)
        for (int tp : {plan.mesh.tp, 2, 4, 8, 16, 32}) {
            if (tp < plan.mesh.tp || ranks % tp != 0) continue;
            Change next = tp == plan.mesh.tp ? change : change.with_tp(tp);
            if (ranks != plan.ranks) next = next.with_devices(ranks);
            const auto found = planned(next);
            if (found && found->fits()) return with_smaller_micro_batch(next, found->sequences, found->sequences + 1);
        }
    return std::nullopt;
}

}  // namespace

std::vector<Alternative> alternatives(const PlanRequest& request, const Plan& plan) {
    const Change start = {request, {}};
    const auto result_of = [&](const Change& change) -> std::optional<Alternative> {
        const auto found = planned(change);
        if (!found) return std::nullopt;
        const double total = found->memory.total();
        return Alternative{change.arguments, total, plan.memory.total() - total, found->fits()};
    };
    std::vector<Alternative> all;
    for (const Change& change : single_changes(start, plan))
        if (auto found = result_of(change); found && found->saved > 0) all.push_back(*found);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.saved > b.saved; });
    if (std::none_of(all.begin(), all.end(), [](const Alternative& a) { return a.fits; }))
        if (const auto change = combination(start, plan))
            if (auto found = result_of(*change)) all.push_back(*found);
    return all;
}

}  // namespace gradus
