#include "tools/bench/model/estimate.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace gradus {

namespace {

constexpr double special_per_clock = 16, issued_per_clock = 4, wavefronts_per_clock = 1;
constexpr double reserved_shared = 1024;  // of each block, by CUDA
constexpr int register_unit = 8, warp = 32;

// The library picks among tiles; smaller ones lose some of the rate and less to the last wave.
TimeEstimate matmul_estimate(const KernelWork& w, const Card& card, const ModelConstants& c) {
    const double peak = card.peak_tflops * 1e12 * card.matmul_share * w.library_rate;
    double best = INFINITY;
    for (const auto& [rows, columns, share] :
         {std::tuple{128., 256., 1.}, {256., 128., 1.}, {128., 128., 0.92}, {128., 64., 0.75}}) {
        const double tiles = std::ceil(w.m / rows) * std::ceil(w.n / columns), waves = std::ceil(tiles / card.sms);
        best = std::min(best, waves * card.sms * 2 * rows * columns * w.k / (peak * share) + c.fill_us * 1e-6);
    }
    const double dram = w.dram_bytes / (card.dram_gbps * 1e9 * c.dram_share);
    TimeEstimate e;
    e.terms = {{"tensor", best}, {"DRAM", dram}};
    e.limit = best > dram ? "tensor" : "DRAM";
    e.seconds = std::max(best, dram) + c.launch_us * 1e-6;
    return e;
}

}  // namespace

int resident_blocks(const KernelWork& w, const Card& card) {
    const int warps = (w.threads + warp - 1) / warp;
    int blocks = std::min(card.blocks, card.threads / (warps * warp));
    if (w.registers > 0) {
        const int of_thread = (w.registers + register_unit - 1) / register_unit * register_unit;
        blocks = std::min(blocks, card.registers / (of_thread * warp * warps));
    }
    blocks = std::min(blocks, int(card.shared_kib * 1024 / (w.shared_bytes + reserved_shared)));
    return std::max(blocks, 1);
}

TimeEstimate estimated_time(const KernelWork& w, const Card& card, const ModelConstants& c) {
    if (w.library_flops > 0) return matmul_estimate(w, card, c);
    TimeEstimate e;
    e.blocks_per_sm = resident_blocks(w, card);
    const int warps = (w.threads + warp - 1) / warp;
    e.occupancy = double(e.blocks_per_sm * warps * warp) / card.threads;
    const double clock = card.ghz * 1e9, all = card.sms * clock, peak = card.peak_tflops * 1e12;
    const double rounds = std::ceil(w.blocks / card.sms), imbalance = rounds * card.sms / w.blocks;

    const std::vector<std::pair<std::string, double>> on_sm = {
        {"tensor",
         (w.mma_flops + 2 * w.tf32_flops) / (peak * card.mma_share) + w.wgmma_flops / (peak * card.matmul_share)},
        {"special functions", w.special / (special_per_clock * all)},
        {"issue", w.instructions / (issued_per_clock * all)},
        {"shared memory and L1", w.wavefronts / (wavefronts_per_clock * all)}};
    const double in_flight = std::min(double(e.blocks_per_sm), std::max(1.0, w.blocks / card.sms)) * warps *
                             std::min<double>(card.sms, w.blocks) * w.bytes_in_flight;
    const std::vector<std::pair<std::string, double>> memory = {
        {"DRAM", w.dram_bytes / (card.dram_gbps * 1e9 * c.dram_share)},
        {"L2", w.l2_bytes / (card.l2_gbps * 1e9)},
        {"latency", in_flight > 0 ? w.l2_bytes / in_flight * card.latency_ns * 1e-9 : 0}};

    const auto largest = [](const auto& terms) {
        return std::max_element(terms.begin(), terms.end(),
                                [](const auto& a, const auto& b) { return a.second < b.second; });
    };
    double sum = 0;
    for (const auto& [name, seconds] : on_sm) sum += seconds;
    const auto first = largest(on_sm), second = largest(memory);
    const bool tensor = on_sm[0].second > 0;
    const double sm_time =
        (first->second + c.serial * (sum - first->second)) * imbalance + (tensor ? rounds * c.fill_us * 1e-6 : 0);
    e.terms = on_sm;
    e.terms.insert(e.terms.end(), memory.begin(), memory.end());
    e.limit = sm_time > second->second ? first->first : second->first;
    e.seconds = std::max(sm_time, second->second) + c.launch_us * 1e-6;
    return e;
}

}  // namespace gradus
