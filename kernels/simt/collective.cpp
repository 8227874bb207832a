#include "kernels/simt/collective.h"

#include <algorithm>

#include "kernels/simt/block.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/report.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

std::string lanes_text(const LaneSet& mask) {
    std::vector<int> lanes;
    for (size_t lane = 0; lane < mask.size(); ++lane)
        if (mask[lane]) lanes.push_back(int(lane));
    return ranges_text(lanes);
}

// "the mask 0x0000ffff". Collectives of a warpgroup always have the full mask.
std::string text(Team team, const LaneSet& mask) {
    if (team == Team::warpgroup) return "the mask of all 128 threads of a warpgroup";
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "the mask 0x";
    for (int shift = 28; shift >= 0; shift -= 4) out += digits[mask.to_ullong() >> shift & 15];
    return out;
}

// The waiting collective with this mask, or a new one if the lane is the first.
PendingCollective& join(TeamState& team_state, Team team, int lane, const char* op, const LaneSet& mask, Location at) {
    if (!mask[size_t(lane)])
        fault(std::string(op) + ": lane " + std::to_string(lane) + " is not in " + text(team, mask) +
                  ", the mask that it passed",
              at);
    if ((mask & team_state.absent).any())
        fault(std::string(op) + ": " + text(team, mask) +
                  " contains lanes that have exited or do not exist: " + lanes_text(mask & team_state.absent),
              at);
    for (PendingCollective& m : team_state.pending) {
        if (m.mask != mask) {
            if (m.mask[size_t(lane)] && (m.arrived & mask).any())
                fault(std::string(op) + " with " + text(team, mask) + ", while lanes " + lanes_text(m.arrived & mask) +
                          " of it wait for this lane in " + m.op + " with " + text(team, m.mask) + " at " +
                          m.location.text(),
                      at);
            continue;
        }
        if (m.op != op && std::strcmp(m.op, op) != 0)
            fault(std::string("lanes of one ") + (team == Team::warp ? "warp" : "warpgroup") +
                      " are in different collectives: " + op + ", while lanes " + lanes_text(m.arrived) + " are in " +
                      m.op + " at " + m.location.text(),
                  at);
        return m;
    }
    // A token is reused only after 63 other collectives: by then all lanes have left this one.
    char* token = &team_state.tokens[team_state.started++ % sizeof team_state.tokens];
    team_state.pending.push_back({mask, {}, op, at, token});
    return team_state.pending.back();
}

}  // namespace

void* Lanes::operands(int lane) const { return block_.thread[size_t(first_ + lane)].operands; }

void Lanes::fault_at(int lane, const std::string& what) const {
    fault(what, block_.thread[size_t(first_ + lane)].location);
}

const LaneSet& all_of(Team team) {
    static const LaneSet warp(all_lanes), warpgroup = LaneSet().set();
    return team == Team::warp ? warp : warpgroup;
}

bool rendezvous(const char* op, Team team, const LaneSet& mask, void* operands, Combine combine, Location at,
                bool orders_memory) {
    Thread& thread = self(op, at);
    char* token;
    bool last = false;
    {
        const TsanIgnore ignore;
        Block& block = *thread.on;
        const int lane = thread.rank % size_of(team), first = thread.rank - lane;
        TeamState& team_state = block.team_state(team, thread);
        PendingCollective& collective = join(team_state, team, lane, op, mask, at);
        token = collective.token;
        if (orders_memory) release(token);
        collective.arrived.set(size_t(lane));
        thread.operands = operands;
        thread.op = op;
        thread.location = at;
        if (collective.arrived != mask) {
            suspend(op, at);
        } else {
            last = true;
            std::swap(collective, team_state.pending.back());
            team_state.pending.pop_back();
            if (counting && mask == all_of(team))
                for (int warp = first; warp < first + size_of(team); warp += warp_size)
                    count_together(block, warp / warp_size);
            if (combine) combine(Lanes(block, first, mask));
            for (int other = 0; other < size_of(team); ++other)
                if (mask[size_t(other)] && other != lane) wake(block.thread[size_t(first + other)]);
            note_progress();
        }
    }
    if (orders_memory) acquire(token);
    return last;
}

void leave_collectives(Thread& thread) {
    for (const Team team : {Team::warp, Team::warpgroup}) {
        TeamState& team_state = thread.on->team_state(team, thread);
        const auto lane = size_t(thread.rank % size_of(team));
        for (const PendingCollective& m : team_state.pending)
            if (m.mask[lane])
                fault(std::string(m.op) + ": " + text(team, m.mask) + " contains lane " + std::to_string(lane) +
                          ", which has exited",
                      m.location);
        team_state.absent.set(lane);
    }
}

namespace {

struct ShuffleOperands {
    Shuffle kind;
    const char* op;
    uint64_t bits, result;
    int argument, width;
};

// The lane that `lane` reads. A source outside its segment of `width` lanes is replaced by the lane itself, except that
// exclusive_or may read from lower segments.
int source_of(const ShuffleOperands& o, int lane) {
    const int first = lane & ~(o.width - 1), last = first + o.width - 1;
    switch (o.kind) {
        case Shuffle::index: return first | (o.argument & (o.width - 1));
        case Shuffle::up: return lane - o.argument < first ? lane : lane - o.argument;
        case Shuffle::down: return lane + o.argument > last ? lane : lane + o.argument;
        case Shuffle::exclusive_or: return (lane ^ o.argument) > last ? lane : lane ^ o.argument;
    }
    return lane;
}

void combine_shuffle(const Lanes& lanes) {
    for (int lane = 0; lane < warp_size; ++lane) {
        if (!lanes.has(lane)) continue;
        auto& mine = lanes.of<ShuffleOperands>(lane);
        const int source = source_of(mine, lane);
        if (!lanes.has(source))
            lanes.fault_at(lane, std::string(mine.op) + ": lane " + std::to_string(lane) + " reads lane " +
                                     std::to_string(source) + ", which is not in " + text(Team::warp, lanes.mask()));
        mine.result = lanes.of<ShuffleOperands>(source).bits;
    }
}

struct VoteOperands {
    bool vote;
    uint32_t result;
};

void combine_ballot(const Lanes& lanes) {
    uint32_t votes = 0;
    for (int lane = 0; lane < warp_size; ++lane)
        if (lanes.has(lane) && lanes.of<VoteOperands>(lane).vote) votes |= 1u << lane;
    for (int lane = 0; lane < warp_size; ++lane)
        if (lanes.has(lane)) lanes.of<VoteOperands>(lane).result = votes;
}

struct ReduceOperands {
    Reduction kind;
    uint32_t value;
};

uint32_t reduced(Reduction kind, uint32_t a, uint32_t b) {
    switch (kind) {
        case Reduction::add: return a + b;
        case Reduction::minimum: return std::min(a, b);
        case Reduction::maximum: return std::max(a, b);
        case Reduction::minimum_signed: return uint32_t(std::min(int32_t(a), int32_t(b)));
        case Reduction::maximum_signed: return uint32_t(std::max(int32_t(a), int32_t(b)));
        case Reduction::bit_and: return a & b;
        case Reduction::bit_or: return a | b;
        case Reduction::bit_xor: return a ^ b;
    }
    return 0;
}

void combine_reduce(const Lanes& lanes) {
    bool first = true;
    uint32_t total = 0;
    for (int lane = 0; lane < warp_size; ++lane) {
        if (!lanes.has(lane)) continue;
        const auto& mine = lanes.of<ReduceOperands>(lane);
        total = first ? mine.value : reduced(mine.kind, total, mine.value);
        first = false;
    }
    for (int lane = 0; lane < warp_size; ++lane)
        if (lanes.has(lane)) lanes.of<ReduceOperands>(lane).value = total;
}

struct MatchOperands {
    uint64_t bits;
    uint32_t result;
};

void combine_match(const Lanes& lanes) {
    for (int lane = 0; lane < warp_size; ++lane) {
        if (!lanes.has(lane)) continue;
        auto& mine = lanes.of<MatchOperands>(lane);
        mine.result = 0;
        for (int other = 0; other < warp_size; ++other)
            if (lanes.has(other) && lanes.of<MatchOperands>(other).bits == mine.bits) mine.result |= 1u << other;
    }
}

}  // namespace

uint64_t shuffle(Shuffle kind, const char* op, uint32_t mask, uint64_t bits, int argument, int width, Location at) {
    if (width < 1 || width > warp_size || width & (width - 1))
        fault(std::string(op) + ": the width " + std::to_string(width) + " is not 1, 2, 4, 8, 16 or 32", at);
    ShuffleOperands operands{kind, op, bits, 0, argument, width};
    const bool last = rendezvous(op, Team::warp, mask, &operands, combine_shuffle, at);
    if (last && counting) add_count(Counted::shuffle);
    return operands.result;
}

uint32_t ballot(const char* op, uint32_t mask, bool vote, Location at) {
    VoteOperands operands{vote, 0};
    const bool last = rendezvous(op, Team::warp, mask, &operands, combine_ballot, at);
    if (last && counting) add_count(Counted::vote);
    return operands.result;
}

uint32_t reduce(Reduction kind, const char* op, uint32_t mask, uint32_t value, Location at) {
    ReduceOperands operands{kind, value};
    const bool last = rendezvous(op, Team::warp, mask, &operands, combine_reduce, at);
    if (last && counting) add_count(Counted::vote);
    return operands.value;
}

uint32_t match_any(uint32_t mask, uint64_t bits, Location at) {
    MatchOperands operands{bits, 0};
    const bool last = rendezvous("__match_any_sync", Team::warp, mask, &operands, combine_match, at);
    if (last && counting) add_count(Counted::vote);
    return operands.result;
}

void sync_warp(uint32_t mask, Location at) { rendezvous("__syncwarp", Team::warp, mask, nullptr, nullptr, at, true); }

}  // namespace gradus::emulator
