#include "kernels/simt/warpgroup.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/simt/block.h"
#include "kernels/simt/collective.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/matrix.h"
#include "kernels/simt/matrix_descriptor.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"
#include "kernels/simt/stack_snapshot.h"

namespace gradus::emulator {

namespace {

constexpr int threads = size_of(Team::warpgroup), rows = 64;
constexpr size_t chunk_bytes = 16;

// The accumulator of a wgmma: in the registers of all threads and, while in flight, in `sums`.
struct Accumulator {
    std::array<float*, threads> registers;
    int columns;
    std::vector<float> sums;  // [64][columns]

    // Thread t holds rows r and r + 8, r = 16·(t / 32) + t % 32 / 4, and of every eight columns the two from t % 4 · 2.
    template <class Visit>
    void each(Visit visit) {
        for (int t = 0; t < threads; ++t)
            for (int i = 0; i < columns / 2; ++i) {
                const int row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + t % 4 * 2 + i % 2;
                visit(registers[size_t(t)][i], sums[size_t(row * columns + column)]);
            }
    }
    void load() {
        each([](float& mine, float& sum) { sum = mine; });
    }
    void store() {
        each([](float& mine, float& sum) { mine = sum; });
    }
    void poison() {
        each([](float& mine, float&) { mine = std::numeric_limits<float>::quiet_NaN(); });
    }
};

struct PendingWgmma {
    std::shared_ptr<Accumulator> accumulator;
    std::array<const unsigned*, threads> a_registers;
    std::vector<const char*> a_chunks, b_chunks;
    WgmmaOperands product;  // of lane 0
    unsigned group;
    bool done;
    Location location;
};

struct Warpgroup {
    bool fenced = false;  // since the kernel's start or the last wait
    std::vector<PendingWgmma> in_flight;
    std::array<StackSnapshot, threads> at_fence;  // the threads' registers at the last fence
    unsigned groups = 0;                          // committed
    char token = 0;                               // ThreadSanitizer: orders the reads of shared memory
};

}  // namespace

struct WgmmaSet {
    std::vector<Warpgroup> warpgroup;
};

namespace {

Warpgroup& warpgroup_of(Thread& thread) {
    Block& block = *thread.on;
    if (!block.wgmmas) {
        block.wgmmas = std::make_shared<WgmmaSet>();
        block.wgmmas->warpgroup.resize(block.warpgroup.size());
    }
    return block.wgmmas->warpgroup[size_t(thread.rank / threads)];
}

// A from registers: each of the four warps holds 16 rows, as in mma.m16n8k16 (kernels/cuda/primitives/matrix.h).
std::vector<float> elements_of_registers(const std::array<const unsigned*, threads>& registers) {
    std::vector<float> a(size_t(rows * wgmma_depth));
    for (int t = 0; t < threads; ++t)
        for (int i = 0; i < 4; ++i) {
            const int row = t / 32 * 16 + t % 32 / 4 + i % 2 * 8, column = t % 4 * 2 + i / 2 * 8;
            const unsigned pair = registers[size_t(t)][i];
            a[size_t(row * wgmma_depth + column)] = low_half(pair);
            a[size_t(row * wgmma_depth + column + 1)] = high_half(pair);
        }
    return a;
}

void execute(PendingWgmma& m) {
    const WgmmaOperands& p = m.product;
    const std::vector<float> a =
        p.a ? elements_of_registers(m.a_registers) : matrix_elements(m.a_chunks, p.a_k_major, rows);
    const std::vector<float> b = matrix_elements(m.b_chunks, p.b_k_major, p.columns);
    std::vector<float>& sums = m.accumulator->sums;
    if (!p.accumulate) std::fill(sums.begin(), sums.end(), 0.f);
    std::vector<float> b_rows(b.size());  // [16][columns], so that the innermost loop becomes vectors
    for (int j = 0; j < p.columns; ++j)
        for (int k = 0; k < wgmma_depth; ++k) b_rows[size_t(k * p.columns + j)] = b[size_t(j * wgmma_depth + k)];
    for (int i = 0; i < rows; ++i)
        for (int k = 0; k < wgmma_depth; ++k) {
            const float factor = a[size_t(i * wgmma_depth + k)];
            const float* const terms = &b_rows[size_t(k * p.columns)];
            float* const row = &sums[size_t(i * p.columns)];
            for (int j = 0; j < p.columns; ++j) row[j] += factor * terms[j];
        }
    m.done = true;
}

// The accumulator of a wgmma in flight on the same registers, or a new one loaded from the registers.
std::shared_ptr<Accumulator> accumulator_of(const Warpgroup& group, const Lanes& lanes) {
    const auto& first = lanes.of<const WgmmaOperands>(0);
    for (const PendingWgmma& m : group.in_flight)
        if (m.accumulator->registers[0] == first.d && m.accumulator->columns == first.columns) return m.accumulator;
    auto made = std::make_shared<Accumulator>();
    for (int t = 0; t < threads; ++t) made->registers[size_t(t)] = lanes.of<const WgmmaOperands>(t).d;
    made->columns = first.columns;
    made->sums.resize(size_t(rows * first.columns));
    made->load();
    return made;
}

bool same_matrices(const WgmmaOperands& a, const WgmmaOperands& b) {
    return (a.a ? b.a != nullptr : !b.a && a.a_descriptor == b.a_descriptor) && a.b_descriptor == b.b_descriptor &&
           a.accumulate == b.accumulate && a.columns == b.columns && a.a_k_major == b.a_k_major &&
           a.b_k_major == b.b_k_major;
}

// ThreadSanitizer itself reports writes to a tile in use, with both lines.
bool all_seen(const SharedMemory& shared, const std::vector<const char*>& chunks) {
    return under_tsan() ||
           std::all_of(chunks.begin(), chunks.end(), [&](const char* p) { return shared.seen_async(p, chunk_bytes); });
}

// wgmmas in flight on the same accumulator need no fence between them. Without `accumulate` the old values of D do not matter.
void check_registers(const Warpgroup& group, const Lanes& lanes) {
    for (int t = 0; t < threads; ++t) {
        const auto& mine = lanes.of<const WgmmaOperands>(t);
        const StackSnapshot& then = group.at_fence[size_t(t)];
        const bool in_flight = std::any_of(group.in_flight.begin(), group.in_flight.end(), [&](const PendingWgmma& m) {
            return m.accumulator->registers[size_t(t)] == mine.d;
        });
        if (mine.a && then.differs(mine.a, 4 * sizeof *mine.a))
            lanes.fault_at(t,
                           "wgmma: registers of A were written after the last wgmma.fence: it may read the old values");
        if (mine.accumulate && !in_flight && then.differs(mine.d, size_t(mine.columns / 2) * sizeof *mine.d))
            lanes.fault_at(t,
                           "wgmma: registers of D were written after the last wgmma.fence: it may read the old values");
    }
}

void combine_multiply(const Lanes& lanes) {
    Thread& thread = self("wgmma", {});
    Warpgroup& group = warpgroup_of(thread);
    const auto& first = lanes.of<const WgmmaOperands>(0);
    for (int t = 1; t < threads; ++t)
        if (!same_matrices(first, lanes.of<const WgmmaOperands>(t)))
            lanes.fault_at(t, "wgmma: thread " + std::to_string(t) +
                                  " of the warpgroup has other descriptors than thread 0: they must be the same");
    if (!group.fenced)
        lanes.fault_at(
            0,
            "wgmma without a wgmma.fence since the kernel's start or the last wait: it may read old values of the "
            "registers of D and A");
    PendingWgmma m{accumulator_of(group, lanes), {}, {}, {}, first, group.groups, false, thread.location};
    check_registers(group, lanes);
    const SharedMemory& shared = thread.on->shared;
    if (first.a)
        for (int t = 0; t < threads; ++t) m.a_registers[size_t(t)] = lanes.of<const WgmmaOperands>(t).a;
    else m.a_chunks = matrix_chunks(shared, first.a_descriptor, first.a_k_major, rows, "A", thread.location);
    m.b_chunks = matrix_chunks(shared, first.b_descriptor, first.b_k_major, first.columns, "B", thread.location);
    for (const auto* chunks : {&m.a_chunks, &m.b_chunks})
        if (!all_seen(shared, *chunks))
            lanes.fault_at(0, std::string("wgmma: threads wrote to the tile of ") +
                                  (chunks == &m.a_chunks ? "A" : "B") +
                                  " without a fence_async() after the write: it may read the old values");
    if (simt::settings().copies == simt::Copies::early) {
        execute(m);
        m.accumulator->store();
    } else {
        m.accumulator->poison();
    }
    group.in_flight.push_back(std::move(m));
}

struct WaitOperands {
    unsigned groups_left;
    std::vector<const char*> chunks;  // that the wgmmas of this wait have read
};

void combine_wait(const Lanes& lanes) {
    Warpgroup& group = warpgroup_of(self("wgmma", {}));
    auto& last = lanes.of<WaitOperands>(self("wgmma", {}).rank % threads);
    for (int t = 0; t < threads; ++t)
        if (lanes.of<WaitOperands>(t).groups_left != last.groups_left)
            lanes.fault_at(t, "wgmma.wait_group: threads of one warpgroup wait for different groups");
    const unsigned complete = group.groups > last.groups_left ? group.groups - last.groups_left : 0;
    const SharedMemory& shared = self("wgmma", {}).on->shared;
    std::vector<PendingWgmma> left;
    for (PendingWgmma& m : group.in_flight) {
        if (m.group >= complete) {
            left.push_back(std::move(m));
            continue;
        }
        if (m.done) continue;
        if (!all_seen(shared, m.a_chunks) || !all_seen(shared, m.b_chunks))
            fault("wgmma: threads wrote to a tile of this wgmma while it may still read it", m.location);
        execute(m);
        last.chunks.insert(last.chunks.end(), m.a_chunks.begin(), m.a_chunks.end());
        last.chunks.insert(last.chunks.end(), m.b_chunks.begin(), m.b_chunks.end());
        m.accumulator->store();
    }
    for (PendingWgmma& m : left)
        if (!m.done) m.accumulator->poison();
    group.in_flight = std::move(left);
    group.fenced = false;
}

// For ThreadSanitizer, the last thread to arrive reads the tiles for all; the others acquire that in the wait.
void read_shared(const std::vector<const char*>& chunks, Warpgroup& group) {
    for (const char* p : chunks) record_read(p, chunk_bytes);
    release(&group.token);
}

}  // namespace

uint64_t matrix_descriptor(const void* start, unsigned leading_bytes, unsigned stride_bytes, unsigned swizzle,
                           Location at) {
    constexpr unsigned most = 1u << 18;
    const char* const op = "matrix_descriptor";
    check_shared(op, start, 16, at);
    const unsigned address = self(op, at).on->shared.address_of(start);
    if (address % 16 || leading_bytes % 16 || stride_bytes % 16 || leading_bytes >= most || stride_bytes >= most)
        fault("matrix_descriptor: the start (shared address " + std::to_string(address) + ") and the strides (" +
                  std::to_string(leading_bytes) + " and " + std::to_string(stride_bytes) +
                  " bytes) must be multiples of 16 below 2^18",
              at);
    return uint64_t(address >> 4) | uint64_t(leading_bytes >> 4) << 16 | uint64_t(stride_bytes >> 4) << 32 |
           uint64_t(swizzle) << 62;
}

void wgmma_fence(Location at) {
    {
        Thread& thread = self("wgmma.fence", at);
        const TsanIgnore ignore;
        warpgroup_of(thread).at_fence[size_t(thread.rank % threads)].take(thread);
    }
    rendezvous(
        "wgmma.fence", Team::warpgroup, all_of(Team::warpgroup), nullptr,
        [](const Lanes&) { warpgroup_of(self("wgmma.fence", {})).fenced = true; }, at);
}

void wgmma(const WgmmaOperands& product, Location at) {
    WgmmaOperands operands = product;
    const bool last =
        rendezvous("wgmma.mma_async", Team::warpgroup, all_of(Team::warpgroup), &operands, combine_multiply, at);
    if (!last) return;
    if (counting) {
        add_count(Counted::wgmma);
        add_count(Counted::wgmma_flops, 2.0 * 64 * 16 * product.columns);
    }
    Thread& thread = self("wgmma.mma_async", at);
    Warpgroup& group = warpgroup_of(thread);
    const PendingWgmma& m = group.in_flight.back();
    for (const auto* chunks : {&m.a_chunks, &m.b_chunks})
        for (const char* p : *chunks) thread.on->shared.proxy().read(thread.on->shared, p, chunk_bytes);
    if (!m.done) return;
    read_shared(m.a_chunks, group);
    read_shared(m.b_chunks, group);
}

void wgmma_commit(Location at) {
    rendezvous(
        "wgmma.commit_group", Team::warpgroup, all_of(Team::warpgroup), nullptr,
        [](const Lanes&) { ++warpgroup_of(self("wgmma.commit_group", {})).groups; }, at);
}

void wgmma_wait(unsigned groups_left, const float* d, Location at) {
    WaitOperands operands{groups_left, {}};
    const bool last =
        rendezvous("wgmma.wait_group", Team::warpgroup, all_of(Team::warpgroup), &operands, combine_wait, at);
    Thread& thread = self("wgmma.wait_group", at);
    Warpgroup& group = warpgroup_of(thread);
    if (last) read_shared(operands.chunks, group);
    acquire(&group.token);
    thread.on->shared.proxy().read_is_over();
    for (const PendingWgmma& m : group.in_flight)
        if (m.accumulator->registers[size_t(thread.rank % threads)] == d)
            fault("wgmma.wait_group with " + std::to_string(groups_left) +
                      " groups left: this accumulator is still in use by the wgmma at " + m.location.text(),
                  at);
}

void check_wgmmas_done(Thread& thread) {
    if (!thread.on->wgmmas) return;
    for (const PendingWgmma& m : warpgroup_of(thread).in_flight)
        fault("a thread exits while this wgmma of its warpgroup is in flight (commit it, and wait for its group)",
              m.location);
}

}  // namespace gradus::emulator
