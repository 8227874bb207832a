#pragma once
// A fiber: a stack on which one CUDA thread runs, suspends in the middle of its kernel, and resumes later. A switch to another
// fiber is an ordinary call that returns at the switch back; it costs nanoseconds and no system call. The whole emulator runs
// in one host thread.
//
// Only this file tells the sanitizers about switches. For ThreadSanitizer every fiber is a thread of its own, and a switch orders
// no memory: two fibers that access the same bytes need a barrier between them.
#include <cstddef>
#include <deque>

#include "kernels/simt/context.h"

namespace gradus::emulator {

struct Fiber {
    Context context;
    char* stack = nullptr;  // null for the host's own stack
    const void* bottom = nullptr;
    size_t bytes = 0;
    void* fake_stack = nullptr;  // AddressSanitizer's
    void* tsan = nullptr;        // ThreadSanitizer's
    int ignore = 0;              // TsanIgnore::depth while it is suspended
};

// Idle fibers, for the launches of one stream.
//
// ThreadSanitizer sees the threads that run on one fiber as ordered. That is right for threads of two launches of a stream, but
// would hide races between blocks of one launch. So a launch takes fibers that it has not used yet, while there are any or more
// may be created, and then reuses those of its earliest blocks. A fiber keeps its stack, so no other fiber has accessed that
// stack. Where creating a fiber is cheap, none is reused (sanitizer.h).
class FiberPool {
public:
    explicit FiberPool(void (*entry)()) : entry_(entry) {}
    ~FiberPool();
    FiberPool(const FiberPool&) = delete;
    FiberPool& operator=(const FiberPool&) = delete;

    Fiber* take();
    void give(Fiber* fiber);     // its thread has ended
    void destroy(Fiber* fiber);  // even in the middle of a thread: kernels own nothing that needs a destructor
    void launch_ended() { unused_ = idle_.size(); }

    // ThreadSanitizer tokens: released at the start of the launch, and by each of its threads at the end.
    char started = 0, ended = 0;

private:
    static constexpr size_t budget = 3000;  // fibers under ThreadSanitizer, which supports 8000 threads
    void (*entry_)();
    std::deque<Fiber*> idle_;  // first those that this launch has not used
    size_t unused_ = 0, made_ = 0;
};

// Suspends `from`, which is running, and resumes `to`.
void switch_fiber(Fiber& from, Fiber& to);
// A fiber's entry function calls this first.
void fiber_entered();

// Makes `host` the fiber of the caller's stack, where the scheduler starts and ends a launch.
void adopt_host_stack(Fiber& host);

}  // namespace gradus::emulator
