#include "tools/bench/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "kernels/ladder.h"
#include "tools/bench/ceiling.h"
#include "tools/bench/counted.h"
#include "tools/bench/ops.h"
#include "tools/device.h"

namespace gradus {

namespace {

// An op of a family, measured at the first of its shapes in `gradus bench ops`.
struct LadderOp {
    std::string family, name;
    bool (*differs)(const Ops&, const Ops&);
};
#define LADDER_OP(family, op)                                                \
    {                                                                        \
        family, #op, [](const Ops& a, const Ops& b) { return a.op != b.op; } \
    }
const LadderOp ladder_ops[] = {LADDER_OP("reduction", square_sum),
                               LADDER_OP("layernorm", layernorm_forward),
                               LADDER_OP("layernorm", layernorm_backward),
                               LADDER_OP("cross_entropy", cross_entropy),
                               LADDER_OP("adamw", adamw),
                               LADDER_OP("matmul", linear_forward),
                               LADDER_OP("attention", attention_forward),
                               LADDER_OP("attention", attention_backward),
                               LADDER_OP("attention_hopper", attention_forward),
                               LADDER_OP("decoding", attention_cached)};
#undef LADDER_OP

// The ops of its family that a rung replaces; all of them for the shipped one, which replaces none.
std::vector<std::string> ops_of_rung(const Rung& rung, const Ops& shipped) {
    std::vector<std::string> replaced, all;
    for (const LadderOp& op : ladder_ops) {
        if (op.family != rung.family) continue;
        all.push_back(op.name);
        if (op.differs(rung.table, shipped)) replaced.push_back(op.name);
    }
    return replaced.empty() ? all : replaced;
}

struct Measured {
    std::string op, shape;
    Cost cost;
    std::optional<CountedOp> counted;
    double seconds = 0;  // modelled in the emulator, measured on a GPU
};

class LadderRun {
public:
    LadderRun(const LadderBench& o)
        : o_(o), card_(card_of(o.card)), registers_(read_registers(o.registers, card_.capability)) {
        if (!emulated()) ceilings_.emplace("cuda", ops_of("cuda"));
    }

    bool emulated() const { return o_.device == "simt"; }
    const std::vector<Rung>& rungs() const { return emulated() ? counted_ladder() : cuda_ladder(); }

    const Ops& shipped() const { return emulated() ? counted_ops() : cuda_ops(); }

    std::vector<Measured> measure(const Rung& rung) const {
        std::vector<Measured> results;
        if (!emulated() && cuda_capability() < rung.capability) return results;
        for (const std::string& op : ops_of_rung(rung, shipped()))
            if (auto result = measure(rung, op)) results.push_back(std::move(*result));
        return results;
    }

    // Nothing: gradus bench ops has no such op.
    std::optional<Measured> measure(const Rung& rung, const std::string& op) const {
        BenchOpsOptions options = {.filter = op, .dtype = "bf16", .count = emulated(), .model = "gpt2"};
        options.training_shapes = true;
        std::optional<Measured> result;
        each_op_benchmark(options, rung.table, [&](const OpBenchmark& b) {
            if (result || b.op != op) return;
            result = {op, b.shape, b.cost, {}, 0};
            if (emulated()) {
                result->counted = count_op(b.run, card_, registers_, o_.blocks, rung.capability);
                result->seconds = result->counted->seconds;
            } else {
                b.run();
                std::vector<double> times;
                for (int i = 0; i < 9; ++i) times.push_back(ceilings_->seconds(b.run));
                std::nth_element(times.begin(), times.begin() + 4, times.end());
                result->seconds = times[4];
            }
        });
        return result;
    }

private:
    const LadderBench& o_;
    const Card& card_;
    Registers registers_;
    std::optional<Ceilings> ceilings_;
};

nlohmann::ordered_json json_of(const Rung& rung, const Measured& m, bool emulated, const std::string& card) {
    nlohmann::ordered_json line = {
        {"family", rung.family}, {"rung", rung.name}, {"op", m.op},
        {"idea", rung.idea},     {"shape", m.shape},  {emulated ? "modelled_seconds" : "measured_seconds", m.seconds}};
    if (!m.counted) return line;
    line["card"] = card;
    line["limit"] = m.counted->limit;
    line["sectors"] = m.counted->sectors;
    line["ideal_sectors"] = m.counted->ideal;
    line["wavefronts"] = m.counted->wavefronts;
    line["bank_conflicts"] = m.counted->conflicts;
    size_t shared = 0;
    for (const simt::LaunchCounts& c : m.counted->launches) {
        line["kernels"].push_back(c.kernel);
        shared = std::max(shared, c.shared_bytes);
    }
    line["shared_bytes"] = shared;
    return line;
}

void print(const Rung& rung, const Measured& m) {
    const CountedOp none, &c = m.counted ? *m.counted : none;
    fmt::print("{:<14} {:<16} {:<20} {:<26} {:>10.1f} {:>8.0f} {:>9.2f} {:>9.1f}%  {}\n", rung.family, rung.name, m.op,
               m.shape, m.seconds * 1e6, m.cost.bytes / m.seconds * 1e-9, c.ideal > 0 ? c.sectors / c.ideal : 1,
               c.wavefronts > 0 ? 100 * c.conflicts / c.wavefronts : 0, c.limit);
}

}  // namespace

void bench_ladder(const LadderBench& o) {
    const LadderRun run(o);
    if (!o.json) {
        if (run.emulated())
            fmt::print("counted in the emulator; times are modelled for {} (docs/bench/model.md), not measured\n",
                       o.card);
        fmt::print("{:<14} {:<16} {:<20} {:<26} {:>10} {:>8} {:>9} {:>10}  {}\n", "family", "rung", "op", "shape", "us",
                   "GB/s", "sectors", "conflicts", "limit");
    }
    int count = 0;
    for (const Rung& rung : run.rungs()) {
        if (!o.family.empty() && rung.family != o.family) continue;
        for (const Measured& m : run.measure(rung)) {
            ++count;
            if (o.json) fmt::print("{}\n", json_of(rung, m, run.emulated(), o.card).dump());
            else print(rung, m);
            std::fflush(stdout);
        }
    }
    if (count) return;
    std::string known;
    for (const Rung& rung : run.rungs())
        if (known.find(rung.family) == known.npos) known += (known.empty() ? "" : ", ") + rung.family;
    throw Error("there is no ladder '" + o.family + "' that runs here", "the families are " + known,
                "gradus bench ladder --family layernorm");
}

}  // namespace gradus
