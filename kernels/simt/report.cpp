#include "kernels/simt/report.h"

#include "kernels/simt/fault.h"
#include "kernels/simt/machine.h"

namespace gradus::emulator {

namespace {

std::string text(uint3 v) {
    return "(" + std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z) + ")";
}

// Threads of a block in the same state at the same source line.
struct Group {
    ThreadState state;
    const char* op;
    Location location;
    std::vector<int> ranks;

    bool holds(const Thread& t) const {
        if (state != t.state) return false;
        return state == ThreadState::exited || (location == t.location && std::string(op) == t.op);
    }
    std::string text() const {
        const std::string out = (ranks.size() == 1 ? "thread " : "threads ") + ranges_text(ranks);
        if (state == ThreadState::exited) return out + (ranks.size() == 1 ? " has exited" : " have exited");
        if (!*op) return out + " not started";
        return out + " in " + op + " at " + location.text();
    }
};

}  // namespace

std::string ranges_text(const std::vector<int>& numbers) {
    std::string out;
    for (size_t i = 0; i < numbers.size();) {
        size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
        out += (i ? ", " : "") + std::to_string(numbers[i]);
        if (last > i) out += "-" + std::to_string(numbers[last]);
        i = last + 1;
    }
    return out;
}

std::string thread_list(const std::vector<std::unique_ptr<Block>>& blocks) {
    constexpr size_t shown = 4;
    std::string out;
    for (size_t b = 0; b < blocks.size() && b < shown; ++b) {
        std::vector<Group> groups;
        for (const Thread& t : blocks[b]->thread) {
            size_t g = 0;
            while (g < groups.size() && !groups[g].holds(t)) ++g;
            if (g == groups.size()) groups.push_back({t.state, t.op, t.location, {}});
            groups[g].ranks.push_back(t.rank);
        }
        for (const Group& group : groups) out += "  block " + text(blocks[b]->index) + ": " + group.text() + "\n";
    }
    if (blocks.size() > shown) out += "  and " + std::to_string(blocks.size() - shown) + " more blocks\n";
    return out;
}

void deadlock(const std::vector<std::unique_ptr<Block>>& blocks) {
    // The Fault names the line of a waiting thread.
    Location at = running_launch()->location;
    for (const auto& block : blocks)
        for (const Thread& t : block->thread)
            if (t.state == ThreadState::waiting) at = t.location;
    fault("deadlock: every thread waits\n" + thread_list(blocks), at);
}

void fault(const std::string& what, Location at) {
    std::string message = at.text() + ": " + what;
    if (message.back() != '\n') message += '\n';
    if (const LaunchCall* launch = running_launch()) {
        message += "  in kernel " + function_name(launch->kernel) + ", launched at " + launch->location.text();
        if (current) message += ", block " + text(current->block) + ", thread " + text(current->thread);
    }
    while (message.back() == '\n') message.pop_back();
    throw simt::Fault(message);
}

}  // namespace gradus::emulator
