#pragma once
// A thread's registers are variables on its stack here. A copy of the stack, taken in a fence, shows later whether the register
// operands of an instruction were written after the fence.
#include <cstddef>
#include <vector>

namespace gradus::emulator {

struct Thread;

class StackSnapshot {
public:
    void take(const Thread& running);  // from the caller's frame up
    // Whether these variables changed since take(). False if the copy lacks them: not on the stack, or created later.
    bool differs(const void* first, size_t bytes) const;

private:
    const char* first_ = nullptr;
    std::vector<char> bytes_;
};

}  // namespace gradus::emulator
