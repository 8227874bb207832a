#pragma once
// A fiber: a stack on which one CUDA thread runs, can stop in the middle of its kernel, and goes on later. Switching to
// another fiber is an ordinary call that returns when somebody switches back; it costs nanoseconds, and no operating system
// is involved. The whole emulator is one thread of the host.
//
// What the sanitizers need to know about a switch is said here and nowhere else. For ThreadSanitizer every fiber is a thread
// of its own, and a switch orders nothing: two fibers that touch the same bytes need a barrier between them.
#include <cstddef>

#include "kernels/simt/context.h"

namespace gradus::emulator {

struct Fiber {
    Context context;
    char* stack = nullptr;  // empty for the host's own stack
    const void* bottom = nullptr;
    size_t bytes = 0;
    void* fake_stack = nullptr;  // AddressSanitizer's
    void* tsan = nullptr;        // ThreadSanitizer's
};

// The fiber that runs entry() when it is first switched to.
Fiber* make_fiber(void (*entry)());
// For a fiber that is not running: its stack is given back, whatever was on it. (Kernels own nothing that needs a
// destructor.)
void destroy_fiber(Fiber* fiber);

// Leave one, go on in the other. leaving_for_good: nobody will switch back.
void switch_fiber(Fiber& from, Fiber& to, bool leaving_for_good = false);
// The first thing a fiber's entry does.
void fiber_entered();

// The fiber that stands for the stack the caller runs on: what a kernel's launch is left from and comes back to.
void adopt_host_stack(Fiber& host);

}  // namespace gradus::emulator
