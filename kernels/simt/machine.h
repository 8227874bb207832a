#pragma once
// The scheduler: the emulated GPU runs one launch at a time on the calling host thread, with a fiber for each CUDA thread.
//
// A thread runs until it must wait: at a barrier, in a collective, for a copy. Then the scheduler picks another one
// pseudo-randomly, by the seed. A thread that never waits costs little more than a call of the kernel: the next one starts on
// the same stack. At most Settings::resident blocks are resident at a time; when one ends, the next starts.
//
// When no thread can run, one bulk load in flight is completed; if there is none, the Fault of a deadlock lists where
// every thread waits.
#include <cstdint>

#include "kernels/simt/dimensions.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/location.h"

namespace gradus::emulator {

// A launch with its arguments; launch.h creates them.
struct LaunchCall {
    dim3 grid, block;
    size_t shared_bytes = 0;
    const void* kernel = nullptr;
    Location location;

    virtual ~LaunchCall() = default;
    virtual void call() const = 0;  // the kernel, for the current thread
};

// Fault: a launch outside the limits of a GPU.
void check_launch(const LaunchCall& launch);

// Runs the launch to its end on fibers of its stream. Fault: of one of its threads; the whole launch is cleaned up.
void run_launch(const LaunchCall& launch, FiberPool& fibers);

// The entry function of a fiber: runs one thread after another.
void run_threads();

// The running launch, or null.
const LaunchCall* running_launch();

// The name of the function at this address ("gradus::simt::rows<float>"), from the program's symbol table; the address in
// hexadecimal if there is none.
std::string function_name(const void* address);

}  // namespace gradus::emulator
