#include "tools/bench/model/card.h"

#include "engine/base/error.h"

namespace gradus {

// Sources.
//   SMs, clocks, peaks, shared memory, L2    NVIDIA's datasheets and architecture white papers of A100, H100, H200, H20 and B200.
//   mma_share       Hopper: 63 to 65 % (arXiv 2501.12084, microbenchmarks of mma.sync and wgmma). A100 and B200: mma.sync is the
//                   A100's only matrix instruction, whose best matmuls reach 85 to 90 %; on a B200 it is an assumption (a quarter).
//   matmul_share    Hopper: cuBLAS at 8192³ in bf16, 750 to 790 of 989 TFLOP/s. H20: 148 TFLOP/s, which power does not limit.
//   dram_gbps       H200: 4300 of 4800 (a device-to-device copy). The others: the same 90 % of the datasheet.
//   l2_gbps         Chips and Cheese, "Nvidia's H100: Funny L2, and Tons of Bandwidth": about 5.5 to 5.7 TB/s on an H100 PCIe at
//                   1755 MHz, scaled by SMs; A100: about 4.5 TB/s. Others are scaled by SMs and clock.
//   latency_ns      DRAM loads take 500 to 600 ns on an idle card in the same article; under load we assume 800.
const std::vector<Card>& cards() {
    static const std::vector<Card> all = {
        {.name = "a100",
         .capability = 80,
         .sms = 108,
         .ghz = 1.41,
         .peak_tflops = 312,
         .mma_share = 0.87,
         .matmul_share = 0.87,
         .dram_gbps = 1830,
         .l2_gbps = 4500,
         .shared_kib = 164,
         .latency_ns = 800,
         .l2_mib = 40},
        {.name = "h100",
         .capability = 90,
         .sms = 132,
         .ghz = 1.755,
         .peak_tflops = 989,
         .mma_share = 0.63,
         .matmul_share = 0.79,
         .dram_gbps = 3000,
         .l2_gbps = 6000,
         .shared_kib = 228,
         .latency_ns = 800},
        {.name = "h200",
         .capability = 90,
         .sms = 132,
         .ghz = 1.755,
         .peak_tflops = 989,
         .mma_share = 0.63,
         .matmul_share = 0.79,
         .dram_gbps = 4300,
         .l2_gbps = 6000,
         .shared_kib = 228,
         .latency_ns = 800},
        {.name = "h20",
         .capability = 90,
         .sms = 78,
         .ghz = 1.83,
         .peak_tflops = 148,
         .mma_share = 0.63,
         .matmul_share = 0.95,
         .dram_gbps = 3600,
         .l2_gbps = 3700,
         .shared_kib = 228,
         .latency_ns = 800,
         .l2_mib = 60},
        {.name = "b200",
         .capability = 100,
         .sms = 148,
         .ghz = 1.85,
         .peak_tflops = 2250,
         .mma_share = 0.25,
         .matmul_share = 0.75,
         .dram_gbps = 7200,
         .l2_gbps = 9000,
         .shared_kib = 228,
         .latency_ns = 800,
         .l2_mib = 126},
    };
    return all;
}

const Card& card_of(const std::string& name) {
    std::string known;
    for (const Card& card : cards()) {
        if (card.name == name) return card;
        known += (known.empty() ? "" : ", ") + card.name;
    }
    throw Error("there are no figures of a card '" + name + "'", "times are modelled for " + known, "--card h200");
}

}  // namespace gradus
