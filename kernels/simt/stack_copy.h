#pragma once
// A thread's registers are variables on its stack here. A copy of the stack, taken in a fence, tells later whether an array that
// an instruction takes as registers was written after the fence.
#include <cstddef>
#include <vector>

namespace gradus::emulator {

struct Thread;

class StackCopy {
public:
    void take(const Thread& running);  // from the caller's frame up
    // Of these variables. False where the copy has them not: they are not on the stack, or came into being after it.
    bool differs(const void* first, size_t bytes) const;

private:
    const char* first_ = nullptr;
    std::vector<char> bytes_;
};

}  // namespace gradus::emulator
