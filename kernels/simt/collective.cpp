#include "kernels/simt/collective.h"

#include <algorithm>

#include "kernels/simt/block.h"
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

// "the mask 0x0000ffff". Of a warpgroup no other than the whole one can be asked for.
std::string text(Team team, const LaneSet& mask) {
    if (team == Team::warpgroup) return "the mask of all 128 threads of a warpgroup";
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "the mask 0x";
    for (int shift = 28; shift >= 0; shift -= 4) out += digits[mask.to_ullong() >> shift & 15];
    return out;
}

// The meeting of this mask that the lane joins; a new one when it is the first.
Meeting& join(Meetings& meetings, Team team, int lane, const char* word, const LaneSet& mask, Place at) {
    if (!mask[size_t(lane)])
        fault(std::string(word) + ": lane " + std::to_string(lane) + " is not in " + text(team, mask) +
                  ", which is its own",
              at);
    if ((mask & meetings.gone).any())
        fault(std::string(word) + ": " + text(team, mask) +
                  " names lanes that have exited or do not exist: " + lanes_text(mask & meetings.gone),
              at);
    for (Meeting& m : meetings.open) {
        if (m.mask != mask) {
            if (m.mask[size_t(lane)] && (m.arrived & mask).any())
                fault(std::string(word) + " with " + text(team, mask) + ", while lanes " +
                          lanes_text(m.arrived & mask) + " of it wait for this lane in " + m.word + " with " +
                          text(team, m.mask) + " at " + m.place.text(),
                      at);
            continue;
        }
        if (m.word != word && std::strcmp(m.word, word) != 0)
            fault(std::string("lanes of one ") + (team == Team::warp ? "warp" : "warpgroup") +
                      " are in different collectives: " + word + ", while lanes " + lanes_text(m.arrived) + " are in " +
                      m.word + " at " + m.place.text(),
                  at);
        return m;
    }
    // Its token is used again only after many other meetings: by then nobody is still on the way out of this one.
    char* token = &meetings.tokens[meetings.held++ % sizeof meetings.tokens];
    meetings.open.push_back({mask, {}, word, at, token});
    return meetings.open.back();
}

}  // namespace

void* Lanes::operands(int lane) const { return block_.thread[size_t(first_ + lane)].operands; }

void Lanes::fault_at(int lane, const std::string& what) const {
    fault(what, block_.thread[size_t(first_ + lane)].place);
}

const LaneSet& all_of(Team team) {
    static const LaneSet warp(all_lanes), warpgroup = LaneSet().set();
    return team == Team::warp ? warp : warpgroup;
}

bool meet(const char* word, Team team, const LaneSet& mask, void* operands, Combine combine, Place at,
          bool orders_memory) {
    Thread& thread = self(word, at);
    char* token;
    bool last = false;
    {
        const Hidden hidden;
        Block& block = *thread.on;
        const int lane = thread.rank % size_of(team), first = thread.rank - lane;
        Meetings& meetings = block.meetings(team, thread);
        Meeting& meeting = join(meetings, team, lane, word, mask, at);
        token = meeting.token;
        if (orders_memory) release(token);
        meeting.arrived.set(size_t(lane));
        thread.operands = operands;
        thread.word = word;
        thread.place = at;
        if (meeting.arrived != mask) {
            wait_in(word, at);
        } else {
            last = true;
            std::swap(meeting, meetings.open.back());
            meetings.open.pop_back();
            if (combine) combine(Lanes(block, first, mask));
            for (int other = 0; other < size_of(team); ++other)
                if (mask[size_t(other)] && other != lane) wake(block.thread[size_t(first + other)]);
            progress();
        }
    }
    if (orders_memory) acquire(token);
    return last;
}

void leave_meetings(Thread& thread) {
    for (const Team team : {Team::warp, Team::warpgroup}) {
        Meetings& meetings = thread.on->meetings(team, thread);
        const auto lane = size_t(thread.rank % size_of(team));
        for (const Meeting& m : meetings.open)
            if (m.mask[lane])
                fault(std::string(m.word) + ": " + text(team, m.mask) + " names lane " + std::to_string(lane) +
                          ", which has exited",
                      m.place);
        meetings.gone.set(lane);
    }
}

namespace {

struct ShuffleOperands {
    Shuffle kind;
    const char* word;
    uint64_t bits, result;
    int argument, width;
};

// The lane that a lane's result comes from. Segments of `width` lanes; a lane outside the segment means one's own, but for
// exclusive or, which may reach into segments below.
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
    for (int lane = 0; lane < threads_of_a_warp; ++lane) {
        if (!lanes.has(lane)) continue;
        auto& mine = lanes.of<ShuffleOperands>(lane);
        const int source = source_of(mine, lane);
        if (!lanes.has(source))
            lanes.fault_at(lane, std::string(mine.word) + ": lane " + std::to_string(lane) + " reads lane " +
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
    for (int lane = 0; lane < threads_of_a_warp; ++lane)
        if (lanes.has(lane) && lanes.of<VoteOperands>(lane).vote) votes |= 1u << lane;
    for (int lane = 0; lane < threads_of_a_warp; ++lane)
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
    for (int lane = 0; lane < threads_of_a_warp; ++lane) {
        if (!lanes.has(lane)) continue;
        const auto& mine = lanes.of<ReduceOperands>(lane);
        total = first ? mine.value : reduced(mine.kind, total, mine.value);
        first = false;
    }
    for (int lane = 0; lane < threads_of_a_warp; ++lane)
        if (lanes.has(lane)) lanes.of<ReduceOperands>(lane).value = total;
}

struct MatchOperands {
    uint64_t bits;
    uint32_t result;
};

void combine_match(const Lanes& lanes) {
    for (int lane = 0; lane < threads_of_a_warp; ++lane) {
        if (!lanes.has(lane)) continue;
        auto& mine = lanes.of<MatchOperands>(lane);
        mine.result = 0;
        for (int other = 0; other < threads_of_a_warp; ++other)
            if (lanes.has(other) && lanes.of<MatchOperands>(other).bits == mine.bits) mine.result |= 1u << other;
    }
}

}  // namespace

uint64_t shuffle(Shuffle kind, const char* word, uint32_t mask, uint64_t bits, int argument, int width, Place at) {
    if (width < 1 || width > threads_of_a_warp || width & (width - 1))
        fault(std::string(word) + ": the width " + std::to_string(width) + " is not 1, 2, 4, 8, 16 or 32", at);
    ShuffleOperands operands{kind, word, bits, 0, argument, width};
    meet(word, Team::warp, mask, &operands, combine_shuffle, at);
    return operands.result;
}

uint32_t ballot(const char* word, uint32_t mask, bool vote, Place at) {
    VoteOperands operands{vote, 0};
    meet(word, Team::warp, mask, &operands, combine_ballot, at);
    return operands.result;
}

uint32_t reduce(Reduction kind, const char* word, uint32_t mask, uint32_t value, Place at) {
    ReduceOperands operands{kind, value};
    meet(word, Team::warp, mask, &operands, combine_reduce, at);
    return operands.value;
}

uint32_t match_any(uint32_t mask, uint64_t bits, Place at) {
    MatchOperands operands{bits, 0};
    meet("__match_any_sync", Team::warp, mask, &operands, combine_match, at);
    return operands.result;
}

void sync_warp(uint32_t mask, Place at) { meet("__syncwarp", Team::warp, mask, nullptr, nullptr, at, true); }

}  // namespace gradus::emulator
