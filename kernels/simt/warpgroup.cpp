#include "kernels/simt/warpgroup.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/simt/block.h"
#include "kernels/simt/collective.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/matrix.h"
#include "kernels/simt/matrix_descriptor.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"
#include "kernels/simt/stack_copy.h"

namespace gradus::emulator {

namespace {

constexpr int threads = size_of(Team::warpgroup), rows = 64;
constexpr size_t bytes_of_a_piece = 16;

// The sums of a product, in the registers of all threads and, while it is under way, here.
struct Accumulator {
    std::array<float*, threads> registers;
    int columns;
    std::vector<float> sums;  // [64][columns]

    // Thread t has rows r and r + 8 with r = 16 (t / 32) + t % 32 / 4, and of every eight columns the two from t % 4 · 2.
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

struct Multiply {
    std::shared_ptr<Accumulator> accumulator;
    std::array<const unsigned*, threads> a_registers;
    std::vector<const char*> a_pieces, b_pieces;
    Product product;  // of lane 0
    unsigned group;
    bool done;
    Place place;
};

struct Warpgroup {
    bool fenced = false;  // since the kernel began, since the last wait
    std::vector<Multiply> under_way;
    std::array<StackCopy, threads> at_fence;  // what the threads' registers were in the last fence
    unsigned groups = 0;                      // committed
    char token = 0;                           // what reading shared memory is ordered by, for ThreadSanitizer
};

}  // namespace

struct MultiplySet {
    std::vector<Warpgroup> warpgroup;
};

namespace {

Warpgroup& warpgroup_of(Thread& thread) {
    Block& block = *thread.on;
    if (!block.multiplies) {
        block.multiplies = std::make_shared<MultiplySet>();
        block.multiplies->warpgroup.resize(block.warpgroup.size());
    }
    return block.multiplies->warpgroup[size_t(thread.rank / threads)];
}

// Rows and columns as in mma.m16n8k16 (kernels/cuda/primitives/matrix.h), for each of the four warps.
std::vector<float> elements_of_registers(const std::array<const unsigned*, threads>& registers) {
    std::vector<float> a(size_t(rows * depth_of_wgmma));
    for (int t = 0; t < threads; ++t)
        for (int i = 0; i < 4; ++i) {
            const int row = t / 32 * 16 + t % 32 / 4 + i % 2 * 8, column = t % 4 * 2 + i / 2 * 8;
            const unsigned pair = registers[size_t(t)][i];
            a[size_t(row * depth_of_wgmma + column)] = low_half(pair);
            a[size_t(row * depth_of_wgmma + column + 1)] = high_half(pair);
        }
    return a;
}

void carry_out(Multiply& m) {
    const Product& p = m.product;
    const std::vector<float> a =
        p.a ? elements_of_registers(m.a_registers) : matrix_elements(m.a_pieces, p.a_k_major, rows);
    const std::vector<float> b = matrix_elements(m.b_pieces, p.b_k_major, p.columns);
    std::vector<float>& sums = m.accumulator->sums;
    if (!p.accumulate) std::fill(sums.begin(), sums.end(), 0.f);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < p.columns; ++j)
            for (int k = 0; k < depth_of_wgmma; ++k)
                sums[size_t(i * p.columns + j)] +=
                    a[size_t(i * depth_of_wgmma + k)] * b[size_t(j * depth_of_wgmma + k)];
    m.done = true;
}

// The sums of an earlier product on the same registers that is under way, or those of the registers.
std::shared_ptr<Accumulator> accumulator_of(const Warpgroup& group, const Lanes& lanes) {
    const auto& first = lanes.of<const Product>(0);
    for (const Multiply& m : group.under_way)
        if (m.accumulator->registers[0] == first.d && m.accumulator->columns == first.columns) return m.accumulator;
    auto made = std::make_shared<Accumulator>();
    for (int t = 0; t < threads; ++t) made->registers[size_t(t)] = lanes.of<const Product>(t).d;
    made->columns = first.columns;
    made->sums.resize(size_t(rows * first.columns));
    made->load();
    return made;
}

bool same_matrices(const Product& a, const Product& b) {
    return (a.a ? b.a != nullptr : !b.a && a.a_descriptor == b.a_descriptor) && a.b_descriptor == b.b_descriptor &&
           a.accumulate == b.accumulate && a.columns == b.columns && a.a_k_major == b.a_k_major &&
           a.b_k_major == b.b_k_major;
}

// A tile that somebody writes meanwhile ThreadSanitizer reports better, with both lines.
bool all_seen(const SharedMemory& shared, const std::vector<const char*>& pieces) {
    return under_tsan() || std::all_of(pieces.begin(), pieces.end(),
                                       [&](const char* p) { return shared.seen_async(p, bytes_of_a_piece); });
}

// Products on one accumulator need no fence between them. Sums that D is to have nothing of may be anything.
void check_registers(const Warpgroup& group, const Lanes& lanes) {
    for (int t = 0; t < threads; ++t) {
        const auto& mine = lanes.of<const Product>(t);
        const StackCopy& then = group.at_fence[size_t(t)];
        const bool under_way = std::any_of(group.under_way.begin(), group.under_way.end(), [&](const Multiply& m) {
            return m.accumulator->registers[size_t(t)] == mine.d;
        });
        if (mine.a && then.differs(mine.a, 4 * sizeof *mine.a))
            lanes.fault_at(
                t, "wgmma: registers of A were written after the last wgmma.fence: their values may not be there yet");
        if (mine.accumulate && !under_way && then.differs(mine.d, size_t(mine.columns / 2) * sizeof *mine.d))
            lanes.fault_at(
                t, "wgmma: registers of D were written after the last wgmma.fence: their values may not be there yet");
    }
}

void combine_multiply(const Lanes& lanes) {
    Thread& thread = self("wgmma", {});
    Warpgroup& group = warpgroup_of(thread);
    const auto& first = lanes.of<const Product>(0);
    for (int t = 1; t < threads; ++t)
        if (!same_matrices(first, lanes.of<const Product>(t)))
            lanes.fault_at(t, "wgmma: thread " + std::to_string(t) +
                                  " of the warpgroup brings other descriptors than thread 0: all must bring the same");
    if (!group.fenced)
        lanes.fault_at(
            0,
            "wgmma without a wgmma.fence since the kernel began or since the last wait: what threads wrote to "
            "the registers of D and A may not be there yet");
    Multiply m{accumulator_of(group, lanes), {}, {}, {}, first, group.groups, false, thread.place};
    check_registers(group, lanes);
    const SharedMemory& shared = thread.on->shared;
    if (first.a)
        for (int t = 0; t < threads; ++t) m.a_registers[size_t(t)] = lanes.of<const Product>(t).a;
    else m.a_pieces = matrix_pieces(shared, first.a_descriptor, first.a_k_major, rows, "A", thread.place);
    m.b_pieces = matrix_pieces(shared, first.b_descriptor, first.b_k_major, first.columns, "B", thread.place);
    for (const auto* pieces : {&m.a_pieces, &m.b_pieces})
        if (!all_seen(shared, *pieces))
            lanes.fault_at(0, std::string("wgmma: threads wrote to the tile of ") +
                                  (pieces == &m.a_pieces ? "A" : "B") +
                                  ", and no fence_async() came after: the product may read what was there before");
    if (simt::settings().copies == simt::Copies::early) {
        carry_out(m);
        m.accumulator->store();
    } else {
        m.accumulator->poison();
    }
    group.under_way.push_back(std::move(m));
}

struct WaitOperands {
    unsigned groups_left;
    std::vector<const char*> pieces;  // of the products that were carried out
};

void combine_wait(const Lanes& lanes) {
    Warpgroup& group = warpgroup_of(self("wgmma", {}));
    auto& last = lanes.of<WaitOperands>(self("wgmma", {}).rank % threads);
    for (int t = 0; t < threads; ++t)
        if (lanes.of<WaitOperands>(t).groups_left != last.groups_left)
            lanes.fault_at(t, "wgmma.wait_group: threads of one warpgroup wait for different groups");
    const unsigned complete = group.groups > last.groups_left ? group.groups - last.groups_left : 0;
    const SharedMemory& shared = self("wgmma", {}).on->shared;
    std::vector<Multiply> left;
    for (Multiply& m : group.under_way) {
        if (m.group >= complete) {
            left.push_back(std::move(m));
            continue;
        }
        if (m.done) continue;
        if (!all_seen(shared, m.a_pieces) || !all_seen(shared, m.b_pieces))
            fault("wgmma: threads wrote to a tile of the product that was issued here while it may still read it",
                  m.place);
        carry_out(m);
        last.pieces.insert(last.pieces.end(), m.a_pieces.begin(), m.a_pieces.end());
        last.pieces.insert(last.pieces.end(), m.b_pieces.begin(), m.b_pieces.end());
        m.accumulator->store();
    }
    for (Multiply& m : left)
        if (!m.done) m.accumulator->poison();
    group.under_way = std::move(left);
    group.fenced = false;
}

// The running thread, the last that came, reads for all of them, and they know of it in the wait.
void read_shared(const std::vector<const char*>& pieces, Warpgroup& group) {
    for (const char* p : pieces) reads(p, bytes_of_a_piece);
    release(&group.token);
}

}  // namespace

uint64_t matrix_descriptor(const void* start, unsigned leading_bytes, unsigned stride_bytes, unsigned swizzle,
                           Place at) {
    constexpr unsigned most = 1u << 18;
    const char* const word = "matrix_descriptor";
    check_shared(word, start, 16, at);
    const unsigned address = self(word, at).on->shared.address_of(start);
    if (address % 16 || leading_bytes % 16 || stride_bytes % 16 || leading_bytes >= most || stride_bytes >= most)
        fault("matrix_descriptor: the start (shared address " + std::to_string(address) + ") and the strides (" +
                  std::to_string(leading_bytes) + " and " + std::to_string(stride_bytes) +
                  " bytes) must be multiples of 16 below 2^18",
              at);
    return uint64_t(address >> 4) | uint64_t(leading_bytes >> 4) << 16 | uint64_t(stride_bytes >> 4) << 32 |
           uint64_t(swizzle) << 62;
}

void wgmma_fence(Place at) {
    {
        Thread& thread = self("wgmma.fence", at);
        const Hidden hidden;
        warpgroup_of(thread).at_fence[size_t(thread.rank % threads)].take(thread);
    }
    meet(
        "wgmma.fence", Team::warpgroup, all_of(Team::warpgroup), nullptr,
        [](const Lanes&) { warpgroup_of(self("wgmma.fence", {})).fenced = true; }, at);
}

void wgmma(const Product& product, Place at) {
    Product operands = product;
    const bool last =
        meet("wgmma.mma_async", Team::warpgroup, all_of(Team::warpgroup), &operands, combine_multiply, at);
    if (!last) return;
    Warpgroup& group = warpgroup_of(self("wgmma.mma_async", at));
    const Multiply& m = group.under_way.back();
    if (!m.done) return;
    read_shared(m.a_pieces, group);
    read_shared(m.b_pieces, group);
}

void wgmma_commit(Place at) {
    meet(
        "wgmma.commit_group", Team::warpgroup, all_of(Team::warpgroup), nullptr,
        [](const Lanes&) { ++warpgroup_of(self("wgmma.commit_group", {})).groups; }, at);
}

void wgmma_wait(unsigned groups_left, const float* d, Place at) {
    WaitOperands operands{groups_left, {}};
    const bool last = meet("wgmma.wait_group", Team::warpgroup, all_of(Team::warpgroup), &operands, combine_wait, at);
    Thread& thread = self("wgmma.wait_group", at);
    Warpgroup& group = warpgroup_of(thread);
    if (last) read_shared(operands.pieces, group);
    acquire(&group.token);
    for (const Multiply& m : group.under_way)
        if (m.accumulator->registers[size_t(thread.rank % threads)] == d)
            fault("wgmma.wait_group with " + std::to_string(groups_left) +
                      " groups left: this accumulator still belongs to the product issued at " + m.place.text(),
                  at);
}

void finish_multiplies(Thread& thread) {
    if (!thread.on->multiplies) return;
    for (const Multiply& m : warpgroup_of(thread).under_way)
        fault(
            "a thread exits while the product that its warpgroup issued here is under way (commit it, and wait for its "
            "group)",
            m.place);
}

}  // namespace gradus::emulator
