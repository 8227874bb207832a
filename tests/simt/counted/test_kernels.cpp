// What the shipped kernels ask of a GPU's memory.
#include <catch2/catch.hpp>

#include "kernels/every_op.h"
#include "kernels/scalar.h"
#include "kernels/simt/counters.h"
#include "tests/simt/counted/device_tensors.h"

using namespace gradus;
using namespace gradus::test;
using simt::LaunchCounts;
using simt::Space;

namespace {

template <class Run>
std::vector<LaunchCounts> counted(Run run) {
    simt::start_counting({.blocks = 8});
    run(counted_ops());
    return simt::stop_counting();
}

// Sectors of global memory over the fewest that the accessed bytes fill.
double sector_ratio(const std::vector<LaunchCounts>& launches) {
    double sectors = 0, ideal = 0;
    for (const LaunchCounts& c : launches) {
        sectors += c.transactions(Space::global);
        ideal += c.transactions(Space::global, true);
    }
    return sectors / ideal;
}

double bank_conflicts(const std::vector<LaunchCounts>& launches) {
    double sum = 0;
    for (const LaunchCounts& c : launches) sum += c.bank_conflicts();
    return sum;
}

// What the launches move at least, over what the op's formula says.
double bytes_ratio(const std::vector<LaunchCounts>& launches, const Cost& cost) {
    double bytes = 0;
    for (const LaunchCounts& c : launches) bytes += c.footprint_read + c.footprint_written;
    return bytes / cost.bytes;
}

constexpr int64_t N = 2048, C = 768;

}  // namespace

TEST_CASE("forward norms read and write whole sectors, once") {
    for (const DType t : {DType::f32, DType::bf16}) {
        DeviceTensors m;
        const LayerNormForward a = {.y = m.of(t, {N, C}),
                                    .mean = m.of(DType::f32, {N}),
                                    .rstd = m.of(DType::f32, {N}),
                                    .x = m.of(t, {N, C}),
                                    .gain = m.of(t, {C}),
                                    .bias = m.of(t, {C})};
        const auto layernorm = counted([&](const Ops& ops) { ops.layernorm_forward(a, {}); });
        REQUIRE(sector_ratio(layernorm) <= 1.05);
        REQUIRE(bytes_ratio(layernorm, cost(a)) == Approx(1).epsilon(0.05));
        const RmsNormForward b = {
            .y = m.of(t, {N, C}), .rstd = m.of(DType::f32, {N}), .x = m.of(t, {N, C}), .gain = m.of(t, {C})};
        REQUIRE(sector_ratio(counted([&](const Ops& ops) { ops.rmsnorm_forward(b, {}); })) <= 1.05);
    }
}

TEST_CASE("copies, sums and the optimizer access whole sectors, and shared memory without conflicts") {
    DeviceTensors m;
    const int64_t n = 1 << 20;
    const auto add = counted([&](const Ops& ops) {
        ops.add({.y = m.of(DType::bf16, {n}), .a = m.of(DType::bf16, {n}), .b = m.of(DType::bf16, {n})}, {});
    });
    REQUIRE(sector_ratio(add) == 1);
    const auto cast =
        counted([&](const Ops& ops) { ops.cast({.y = m.of(DType::bf16, {n}), .x = m.of(DType::f32, {n})}, {}); });
    REQUIRE(sector_ratio(cast) == 1);
    const auto squares = counted([&](const Ops& ops) {
        ops.square_sum(
            {.total = m.of(DType::f64, {1}), .parts = m.of(DType::f64, {square_sum_parts}), .x = m.of(DType::f32, {n})},
            {});
    });
    REQUIRE(sector_ratio(squares) <= 1.05);
    REQUIRE(bank_conflicts(squares) == 0);
}
