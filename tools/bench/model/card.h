#pragma once
// The GPUs for which times are modelled.
#include <string>
#include <vector>

namespace gradus {

// Rates of a card that runs hot. "reached" figures are of the fastest published kernels of that kind, because no kernel reaches the
// datasheet: clocks fall under load, and DRAM refreshes.
struct Card {
    std::string name;  // for --card
    int capability;    // 80, 90, 100
    int sms;
    double ghz;           // while its tensor cores work
    double peak_tflops;   // bf16, dense, f32 sums: datasheet
    double mma_share;     // of the peak that mma.sync reaches
    double matmul_share;  // of the peak that the library's large matmuls reach (wgmma on Hopper)
    double dram_gbps;     // of a copy, bytes read and written
    double l2_gbps;       // reads that hit
    double shared_kib;    // of an SM, for blocks
    double latency_ns;    // of DRAM under load
    double l2_mib = 50;
    int registers = 65536, threads = 2048, blocks = 32;  // of an SM
};

const std::vector<Card>& cards();
const Card& card_of(const std::string& name);  // Error: unknown

}  // namespace gradus
