// `gradus bench ops --count`: what every launch of an op asks of a GPU, and its modelled time.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/bench/counted.h"
#include "tools/bench/ops.h"

namespace gradus {

namespace {

// The least time that the card needs for the op's formula.
double bound(const Cost& cost, DType type, const Card& card) {
    const double share = type == DType::bf16 ? card.matmul_share : card.matmul_share / 16;  // f32 without tensor cores
    return std::max(cost.bytes / (card.dram_gbps * 1e9), cost.flops / (card.peak_tflops * 1e12 * share));
}

std::string dims(dim3 d) { return fmt::format("{}x{}x{}", d.x, d.y, d.z); }

void print(const OpBenchmark& b, const CountedOp& op, const Card& card) {
    fmt::print("{:<24} {:<30} {:<4} {:>10.1f} {:>5.0f}% {:>8.2f} {:>9.1f}% {:>9.1f}  {}\n", b.op, b.shape,
               name_of(b.dtype), op.seconds * 1e6, 100 * bound(b.cost, b.dtype, card) / op.seconds,
               op.ideal > 0 ? op.sectors / op.ideal : 1, op.wavefronts > 0 ? 100 * op.conflicts / op.wavefronts : 0,
               op.footprint / 1e6, op.limit);
    if (op.launches.size() < 2) return;
    for (size_t i = 0; i < op.launches.size(); ++i) {
        const simt::LaunchCounts& c = op.launches[i];
        fmt::print("  {:<53} {:>13.1f}  {}  {}\n", c.kernel.substr(0, 53), op.estimates[i].seconds * 1e6,
                   op.estimates[i].limit, dims(c.grid));
    }
}

nlohmann::ordered_json json_of(const simt::LaunchCounts& c, const TimeEstimate& e) {
    nlohmann::ordered_json accesses = nlohmann::json::array(), terms;
    for (const simt::AccessCounts& a : c.accesses)
        accesses.push_back({{"place", a.place},
                            {"memory", a.space == simt::Space::global ? "global" : "shared"},
                            {"write", a.write},
                            {"instructions", a.instructions},
                            {"bytes", a.bytes},
                            {"transactions", a.transactions},
                            {"ideal", a.ideal}});
    for (const auto& [name, seconds] : e.terms) terms[name] = seconds;
    return {{"kernel", c.kernel},
            {"grid", dims(c.grid)},
            {"block", dims(c.block)},
            {"shared_bytes", c.shared_bytes},
            {"blocks_per_sm", e.blocks_per_sm},
            {"modelled_seconds", e.seconds},
            {"modelled_terms", terms},
            {"footprint_bytes", c.footprint_read + c.footprint_written},
            {"l2_sectors", c.read_sectors + c.written_sectors},
            {"copied_bytes", c.copied},
            {"bytes_in_flight", c.bytes_in_flight},
            {"mma", c.mma},
            {"wgmma", c.wgmma},
            {"ldmatrix", c.ldmatrix},
            {"shuffles", c.shuffles},
            {"atomics", c.atomics},
            {"barriers", c.barriers},
            {"special", c.special},
            {"accesses", accesses}};
}

}  // namespace

int count_ops(const BenchOpsOptions& options) {
    if (options.device != "simt")
        throw Error("--count counts in the emulator, not on '" + options.device + "'",
                    "counts are taken where every access is seen", "--device simt --count");
    const Card& card = card_of(options.card);
    const Registers registers = read_registers(options.registers, card.capability);
    if (!options.json) {
        fmt::print(
            "counted in the emulator ({} blocks of each launch); times are modelled for {} (docs/bench/model.md), not "
            "measured\n",
            options.blocks ? std::to_string(options.blocks) : "all", card.name);
        fmt::print("{:<24} {:<30} {:<4} {:>10} {:>6} {:>8} {:>10} {:>9}  {}\n", "op", "shape", "", "us", "share",
                   "sectors", "conflicts", "MB", "limit");
    }
    int count = 0;
    BenchOpsOptions of_training = options;
    of_training.training_shapes = true;
    each_op_benchmark(of_training, counted_ops(), [&](const OpBenchmark& b) {
        const CountedOp op = count_op(b.run, card, registers, options.blocks, options.capability);
        ++count;
        if (!options.json) return print(b, op, card), void(std::fflush(stdout));
        nlohmann::ordered_json line = {{"op", b.op},
                                       {"shape", b.shape},
                                       {"dtype", name_of(b.dtype)},
                                       {"card", card.name},
                                       {"modelled_seconds", op.seconds},
                                       {"limit", op.limit}};
        for (size_t i = 0; i < op.launches.size(); ++i)
            line["launches"].push_back(json_of(op.launches[i], op.estimates[i]));
        fmt::print("{}\n", line.dump());
    });
    if (count == 0)
        throw Error("no op matches '" + options.filter + "'", "--filter keeps the ops whose name contains it",
                    "gradus bench ops --filter linear");
    return count;
}

}  // namespace gradus
