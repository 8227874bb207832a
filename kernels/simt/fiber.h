#pragma once
// A fiber: a stack on which one CUDA thread runs, can stop in the middle of its kernel, and goes on later. Switching to
// another fiber is an ordinary call that returns when somebody switches back; it costs nanoseconds, and no operating system
// is involved. The whole emulator is one thread of the host.
//
// What the sanitizers need to know about a switch is said here and nowhere else. For ThreadSanitizer every fiber is a thread
// of its own, and a switch orders nothing: two fibers that touch the same bytes need a barrier between them.
#include <cstddef>
#include <deque>

#include "kernels/simt/context.h"

namespace gradus::emulator {

struct Fiber {
    Context context;
    char* stack = nullptr;  // empty for the host's own stack
    const void* bottom = nullptr;
    size_t bytes = 0;
    void* fake_stack = nullptr;  // AddressSanitizer's
    void* tsan = nullptr;        // ThreadSanitizer's
    int hidden = 0;              // Hidden objects alive on it while it waits
};

// Fibers that wait for a thread to run, for the launches of one stream.
//
// For ThreadSanitizer a fiber that runs one thread after another orders them. Threads of one launch must not be ordered so:
// that would hide the races between its blocks. Those of two launches of a stream are ordered anyway. So a launch takes
// fibers that it has not used itself, as long as there are some or more may be made; only then those of its earliest blocks
// again. A fiber keeps its stack, whose past is its own. Where making one is cheap, none is used twice (sanitizer.h).
class FiberPool {
public:
    explicit FiberPool(void (*entry)()) : entry_(entry) {}
    ~FiberPool();
    FiberPool(const FiberPool&) = delete;
    FiberPool& operator=(const FiberPool&) = delete;

    Fiber* take();
    void give(Fiber* fiber);     // it has run its thread to the end
    void destroy(Fiber* fiber);  // it is stuck in the middle of one; kernels own nothing that needs a destructor
    void launch_ended() { unused_ = idle_.size(); }

    // Tokens: what the stream had done when the launch began, and what the launch's threads have done.
    char started = 0, ended = 0;

private:
    static constexpr size_t budget = 3000;  // of ThreadSanitizer's fibers; it knows 8000 threads
    void (*entry_)();
    std::deque<Fiber*> idle_;  // those that this launch has not used come first
    size_t unused_ = 0, made_ = 0;
};

// Leave one, go on in the other.
void switch_fiber(Fiber& from, Fiber& to);
// The first thing a fiber's entry does.
void fiber_entered();

// The fiber that stands for the stack the caller runs on: what a kernel's launch is left from and comes back to.
void adopt_host_stack(Fiber& host);

}  // namespace gradus::emulator
