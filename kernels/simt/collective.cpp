#include "kernels/simt/collective.h"

#include <algorithm>

#include "kernels/simt/block.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

std::string lanes_text(uint32_t mask) {
    std::string out;
    for (int lane = 0; lane < threads_of_a_warp; ++lane)
        if (mask >> lane & 1) out += (out.empty() ? "" : ", ") + std::to_string(lane);
    return out;
}

std::string hex(uint32_t mask) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) out += digits[mask >> shift & 15];
    return out;
}

// The meeting of this mask that the lane joins; a new one when it is the first.
Meeting& join(Warp& warp, const Thread& thread, const char* word, uint32_t mask, Place at) {
    if (!(mask >> thread.lane & 1))
        fault(std::string(word) + ": lane " + std::to_string(thread.lane) + " is not in its own mask " + hex(mask), at);
    if (mask & warp.gone)
        fault(std::string(word) + ": the mask " + hex(mask) +
                  " names lanes that have exited or do not exist: " + lanes_text(mask & warp.gone),
              at);
    for (Meeting& m : warp.meetings) {
        if (m.mask != mask) {
            if (m.mask >> thread.lane & 1 && m.arrived & mask)
                fault(std::string(word) + " with mask " + hex(mask) + ", while lanes " + lanes_text(m.arrived & mask) +
                          " of that mask wait for this lane in " + m.word + " with mask " + hex(m.mask) + " at " +
                          m.place.text(),
                      at);
            continue;
        }
        if (m.word != word && std::strcmp(m.word, word) != 0)
            fault("lanes of one warp are in different collectives: " + std::string(word) + ", while lanes " +
                      lanes_text(m.arrived) + " are in " + m.word + " at " + m.place.text(),
                  at);
        return m;
    }
    // Its token is used again only after many other meetings: by then nobody is still on the way out of this one.
    char* token = &warp.tokens[warp.meetings_held++ % sizeof warp.tokens];
    warp.meetings.push_back({mask, 0, word, at, token});
    return warp.meetings.back();
}

}  // namespace

void* Lanes::operands(int lane) const { return block_.thread[size_t(first_ + lane)].operands; }

void Lanes::fault_at(int lane, const std::string& what) const {
    fault(what, block_.thread[size_t(first_ + lane)].place);
}

void meet(const char* word, uint32_t mask, void* operands, Combine combine, Place at, bool orders_memory) {
    Thread& thread = self(word, at);
    char* token;
    {
        const Hidden hidden;
        Block& block = *thread.on;
        Warp& warp = block.warp_of(thread);
        Meeting& meeting = join(warp, thread, word, mask, at);
        token = meeting.token;
        if (orders_memory) release(token);
        meeting.arrived |= 1u << thread.lane;
        thread.operands = operands;
        thread.word = word;
        thread.place = at;
        if (meeting.arrived != mask) {
            wait_in(word, at);
        } else {
            std::swap(meeting, warp.meetings.back());
            warp.meetings.pop_back();
            if (combine) combine(Lanes(block, thread.rank - thread.lane, mask));
            for (int lane = 0; lane < threads_of_a_warp; ++lane)
                if (mask >> lane & 1 && lane != thread.lane) wake(block.lane_of(thread, lane));
            progress();
        }
    }
    if (orders_memory) acquire(token);
}

void leave_meetings(Thread& thread) {
    Warp& warp = thread.on->warp_of(thread);
    for (const Meeting& m : warp.meetings)
        if (m.mask >> thread.lane & 1)
            fault(std::string(m.word) + ": the mask " + hex(m.mask) + " names lane " + std::to_string(thread.lane) +
                      ", which has exited",
                  m.place);
    warp.gone |= 1u << thread.lane;
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
                                     std::to_string(source) + ", which is not in the mask " + hex(lanes.mask()));
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
    meet(word, mask, &operands, combine_shuffle, at);
    return operands.result;
}

uint32_t ballot(const char* word, uint32_t mask, bool vote, Place at) {
    VoteOperands operands{vote, 0};
    meet(word, mask, &operands, combine_ballot, at);
    return operands.result;
}

uint32_t reduce(Reduction kind, const char* word, uint32_t mask, uint32_t value, Place at) {
    ReduceOperands operands{kind, value};
    meet(word, mask, &operands, combine_reduce, at);
    return operands.value;
}

uint32_t match_any(uint32_t mask, uint64_t bits, Place at) {
    MatchOperands operands{bits, 0};
    meet("__match_any_sync", mask, &operands, combine_match, at);
    return operands.result;
}

void sync_warp(uint32_t mask, Place at) { meet("__syncwarp", mask, nullptr, nullptr, at, true); }

}  // namespace gradus::emulator
