#pragma once
// The emulated GPU runs one launch at a time, on the calling host thread: a scheduler over fibers.
//
// A thread of a block runs until it must wait: at a barrier, in a collective of its warp, for a copy. Then the scheduler
// picks another by the seed. A thread that never waits costs little more than a call of the kernel: the next one starts on
// the same stack. Only Settings::resident blocks are on the machine at a time; when one has ended, the next one starts.
//
// When no thread can go on, one asynchronous copy in flight is completed; when there is none either, that is a deadlock,
// and the Fault lists where everybody waits.
#include <cstdint>

#include "kernels/simt/dimensions.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/place.h"

namespace gradus::emulator {

// A launch with the arguments it was given; launch.h makes them.
struct LaunchCall {
    dim3 grid, block;
    size_t shared_bytes = 0;
    const void* kernel = nullptr;
    Place place;

    virtual ~LaunchCall() = default;
    virtual void call() const = 0;  // the kernel, for the current thread
};

// Fault: a launch that no GPU would take.
void check_launch(const LaunchCall& launch);

// Runs it to its end, on fibers of its stream. Fault: what a thread did; nothing of the launch is left then.
void run_launch(const LaunchCall& launch, FiberPool& fibers);

// What a fiber does: one thread after another.
void run_threads();

// The launch that runs now, or nothing.
const LaunchCall* running_launch();

// The function that begins at this address, as its author wrote it ("gradus::simt::rows<float>"), from the symbol table of
// the program; its address where there is none.
std::string function_name(const void* address);

}  // namespace gradus::emulator
