// The counters against kernels whose counts are known.
#include <catch2/catch.hpp>

#include "kernels/simt/counters.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/settings.h"
#include "tests/simt/counted/probes.h"

using namespace gradus;
using simt::LaunchCounts;
using simt::Space;

namespace {

// Device memory of `count` floats, all zero or ones.
class Floats {
public:
    explicit Floats(size_t count, float value = 1) : bytes_(count * sizeof(float)), data_(simt::allocate(bytes_)) {
        const std::vector<float> host(count, value);
        simt::copy_to_device(data_, host.data(), bytes_, {});
        simt::synchronise({});
    }
    ~Floats() { simt::release(data_, bytes_); }
    operator float*() const { return static_cast<float*>(data_); }

private:
    size_t bytes_;
    void* data_;
};

template <class Run>
LaunchCounts counted_launch(Run run, simt::CountingOptions options = {}) {
    simt::start_counting(options);
    run();
    const auto launches = simt::stop_counting();
    REQUIRE(launches.size() == 1);
    return launches[0];
}

simt::AccessCounts sum_of(const LaunchCounts& launch, Space space, bool write) {
    simt::AccessCounts sum;
    for (const simt::AccessCounts& a : launch.accesses)
        if (a.space == space && a.write == write) {
            sum.instructions += a.instructions;
            sum.bytes += a.bytes;
            sum.transactions += a.transactions;
            sum.ideal += a.ideal;
        }
    return sum;
}

}  // namespace

TEST_CASE(
    "coalesced accesses of 4 bytes take four sectors per warp, and a stride takes one more for each lane it moves "
    "away") {
    const Floats x(128 * 32 + 32), y(128);
    for (const auto& [stride, sectors] : {std::pair{1, 4}, {2, 8}, {4, 16}, {8, 32}, {32, 32}}) {
        const LaunchCounts c = counted_launch([&, s = stride] { counted::probe_strided(y, x, 2, s, 0); });
        const auto read = sum_of(c, Space::global, false), write = sum_of(c, Space::global, true);
        INFO("stride " << stride);
        REQUIRE(read.instructions == 4);
        REQUIRE(read.transactions == 4 * sectors);
        REQUIRE(read.ideal == 4 * 4);
        REQUIRE(read.bytes == 4 * 128);
        REQUIRE(write.transactions == 4 * 4);
        REQUIRE(c.footprint_read == 4 * 32 * sectors);
        REQUIRE(c.footprint_written == 512);
    }
}

TEST_CASE("a row that starts between two sectors takes one sector more than its bytes fill") {
    const Floats x(256), y(128);
    const LaunchCounts c = counted_launch([&] { counted::probe_strided(y, x, 2, 1, 3); });
    REQUIRE(sum_of(c, Space::global, false).transactions == 4 * 5);
    REQUIRE(sum_of(c, Space::global, false).ideal == 4 * 4);
}

TEST_CASE("a pack of each lane takes sixteen sectors per warp, at the line of the kernel") {
    const Floats x(512), y(512);
    const LaunchCounts c = counted_launch([&] { counted::probe_packed(y, x); });
    for (const bool write : {false, true}) {
        REQUIRE(sum_of(c, Space::global, write).instructions == 4);
        REQUIRE(sum_of(c, Space::global, write).transactions == 64);
        REQUIRE(sum_of(c, Space::global, write).ideal == 64);
    }
    for (const simt::AccessCounts& a : c.accesses) REQUIRE(a.place.find("tests/simt/counted/probes.cu:") == 0);
    REQUIRE(c.kernel == "packed_kernel");
}

TEST_CASE(
    "lanes that leave a loop early or skip an access count as one instruction with the others, in any order of "
    "threads") {
    const int C = 100, rows = 3;
    const Floats x(size_t(rows * C)), y(size_t(rows * C));
    const simt::Settings before = simt::settings();
    for (const uint64_t seed : {0, 1, 2}) {
        simt::use({.seed = seed, .resident = 2});
        const LaunchCounts c = counted_launch([&] { counted::probe_rows(y, x, rows, C); });
        REQUIRE(sum_of(c, Space::global, false).instructions == rows * 4);
        REQUIRE(sum_of(c, Space::global, false).bytes == rows * C * 4);
        REQUIRE(sum_of(c, Space::global, true).bytes == rows * C * 4);
        REQUIRE(c.read_sectors == 13 + 13 + 13);
    }
    simt::use(before);
}

TEST_CASE(
    "shared memory without conflicts takes one wavefront, a stride of 2 two, one of 32 words 32, and padding one "
    "again") {
    const Floats y(32);
    for (const auto& [stride, wavefronts] : {std::pair{1, 1}, {2, 2}, {4, 4}, {32, 32}, {33, 1}, {0, 1}}) {
        const LaunchCounts c = counted_launch([&, s = stride] { counted::probe_shared(y, s, 1); });
        INFO("stride " << stride);
        REQUIRE(sum_of(c, Space::shared, false).instructions == 1);
        REQUIRE(sum_of(c, Space::shared, false).transactions == wavefronts);
        REQUIRE(sum_of(c, Space::shared, true).transactions == wavefronts);
        REQUIRE(c.bank_conflicts() == 2 * (wavefronts - 1));
        REQUIRE(c.barriers == 1);
    }
}

TEST_CASE("ldmatrix of rows of 128 bytes has conflicts in eight ways, and with a swizzle none") {
    const Floats y(32);
    for (const bool swizzled : {false, true}) {
        const LaunchCounts c = counted_launch([&, swizzled] { counted::probe_matrix(y, swizzled); });
        const auto read = sum_of(c, Space::shared, false);
        REQUIRE(c.ldmatrix == 1);
        REQUIRE(read.instructions == 1);
        REQUIRE(read.ideal == 4);
        REQUIRE(read.transactions == (swizzled ? 4 : 32));
        REQUIRE(c.mma == 1);
        REQUIRE(c.mma_flops == 2 * 16 * 8 * 16);
        REQUIRE(c.shuffles == 5);
        REQUIRE(c.special == 32);
        // bf16 written two bytes a lane: 64 bytes, in one wavefront.
        REQUIRE(sum_of(c, Space::shared, true).transactions == 32);
    }
}

TEST_CASE("asynchronous copies count on both sides, and so does what a warp has in flight") {
    const Floats x(256), y(64);
    const LaunchCounts c = counted_launch([&] { counted::probe_copied(y, x); });
    REQUIRE(c.copied == 1024);
    REQUIRE(sum_of(c, Space::global, false).transactions == 32);
    REQUIRE(sum_of(c, Space::shared, true).transactions == 8);
    REQUIRE(sum_of(c, Space::shared, true).ideal == 8);
    REQUIRE(c.bytes_in_flight == 512);
    REQUIRE(c.atomics * 32 == 1);
    REQUIRE(c.shared_bytes == 1024);
}

TEST_CASE("a sample of the blocks is scaled to the grid, within a few percent where the blocks differ") {
    const int tiles = 64, heads = 12;
    const Floats x(64 * 32), y(64 * 12 * 32);
    const auto run = [&] { counted::probe_triangle(y, x, tiles, heads); };
    const LaunchCounts all = counted_launch(run), some = counted_launch(run, {.blocks = 16});
    const double exact = 12 * 64 * 65 / 2;
    REQUIRE(sum_of(all, Space::global, false).instructions == exact);
    REQUIRE(sum_of(some, Space::global, false).instructions == Approx(exact).epsilon(0.1));
    REQUIRE(sum_of(some, Space::global, true).instructions == 12 * 64);
    for (const int section : {1, 2, 4, 6, 12}) {
        const LaunchCounts sample =
            counted_launch([&] { counted::probe_sections(y, x, tiles, heads, section); }, {.blocks = 16});
        INFO("sections of " << section << " heads");
        REQUIRE(sum_of(sample, Space::global, false).instructions == Approx(exact).epsilon(0.1));
    }
    REQUIRE(all.footprint_read == 64 * 128);
    REQUIRE(some.footprint_read == 64 * 128);  // what all blocks share is not multiplied
}
