// The model of kernel times, against published figures and against itself.
#include <catch2/catch.hpp>

#include "engine/base/file.h"
#include "tools/bench/model/counted_work.h"
#include "tools/bench/model/peers.h"
#include "tools/bench/model/table.h"

using namespace gradus;

namespace {

// A kernel that copies `bytes`, each warp with `in_flight` bytes requested at a time.
KernelWork copy(double bytes, double in_flight) {
    KernelWork w;
    w.blocks = bytes / 8192;
    w.threads = 256;
    w.dram_bytes = w.l2_bytes = bytes;
    w.bytes_in_flight = in_flight;
    return w;
}

}  // namespace

TEST_CASE("published figures that the model was not fitted to are met within 20 % in the median") {
    int held_out = 0, fitted = 0;
    for (const Published& row : published()) ++(row.fitted ? fitted : held_out);
    REQUIRE(fitted <= 8);
    REQUIRE(held_out >= 50);
    REQUIRE(median_error(false) <= 0.20);
    REQUIRE(median_error(true) <= 0.10);
    for (const Published& row : published()) {
        INFO(row.kernel << " " << row.shape << " " << row.card);
        REQUIRE(std::abs(model(row).error) < 0.65);
    }
}

TEST_CASE("docs/bench/model.md has the table that gradus bench model prints") {
    const std::string page = read_file(fs::path(GRADUS_ROOT) / "docs/bench/model.md");
    const size_t begin = page.find("<!-- model -->\n"), end = page.find("<!-- /model -->");
    REQUIRE(begin != page.npos);
    REQUIRE(page.substr(begin + 15, end - begin - 15) == model_table());
}

TEST_CASE("a copy is limited by DRAM, and by latency where its warps have little in flight") {
    for (const Card& card : cards()) {
        const TimeEstimate wide = estimated_time(copy(1e9, 2048), card), narrow = estimated_time(copy(1e9, 64), card);
        INFO(card.name);
        REQUIRE(wide.limit == "DRAM");
        REQUIRE(1e9 / wide.seconds < card.dram_gbps * 1e9);
        REQUIRE(1e9 / wide.seconds > 0.8 * card.dram_gbps * 1e9);
        REQUIRE(narrow.limit == "latency");
        REQUIRE(narrow.seconds > 2 * wide.seconds);
    }
}

TEST_CASE("the blocks on an SM are limited by threads, registers and shared memory") {
    const Card& h200 = card_of("h200");
    KernelWork w;
    w.threads = 256;
    REQUIRE(resident_blocks(w, h200) == 8);
    w.registers = 128;
    REQUIRE(resident_blocks(w, h200) == 2);
    w.registers = 129;  // allocated in units of eight
    REQUIRE(resident_blocks(w, h200) == 1);
    w.registers = 32;
    w.shared_bytes = 100 << 10;
    REQUIRE(resident_blocks(w, h200) == 2);
    REQUIRE(resident_blocks(w, card_of("a100")) == 1);
    REQUIRE_THROWS_WITH(card_of("h300"), Catch::Contains("no figures of a card 'h300'"));
}

TEST_CASE("a matmul with one tile too many takes another wave") {
    const Card& h200 = card_of("h200");
    const auto seconds = [&](double m) {
        KernelWork w;
        w.m = m, w.n = 256, w.k = 4096;
        w.library_flops = 2 * w.m * w.n * w.k;
        return estimated_time(w, h200).seconds;
    };
    REQUIRE(seconds(128 * 132) == Approx(seconds(128 * 100)));
    REQUIRE(seconds(128 * 133) > 1.2 * seconds(128 * 132));
}

TEST_CASE("a library matmul of f32 takes sixteen times as long as one of bf16 on tensor cores") {
    const Card& h200 = card_of("h200");
    simt::LaunchCounts c;
    c.grid = {8192, 8192, 8192};
    c.library_flops = 2.0 * 8192 * 8192 * 8192;
    const double bf16 = estimated_time(work_of(c, h200), h200).seconds;
    c.library_f32 = true;
    REQUIRE(estimated_time(work_of(c, h200), h200).seconds == Approx(16 * bf16).epsilon(0.01));
}

TEST_CASE("counts become work: what a block reads again comes from L1 if it fits there, and from L2 otherwise") {
    simt::LaunchCounts c;
    c.kernel = "some_kernel<float>";
    c.block = {256, 1, 1};
    c.blocks = 1000;
    c.accesses = {{"x.cu:1", simt::Space::global, false, 8e6, 32 * 32e6, 32e6, 32e6}};
    c.read_sectors = 1e6;  // 32 kB per block, each read 32 times
    c.footprint_read = 32e6;
    const Card& h200 = card_of("h200");
    REQUIRE(work_of(c, h200, {{"some_kernel<float>", 128}}).registers == 128);
    REQUIRE(work_of(c, h200, {{"some_kernel<float>", 128}}).l2_bytes == 32e6);
    REQUIRE(work_of(c, h200).l2_bytes == Approx(32 * 32e6));  // with eight blocks on an SM it does not fit
    REQUIRE(work_of(c, h200).wavefronts == 8e6);
}
