#pragma once
// Fault: a kernel, or the host code that launches kernels, did something that a GPU forbids or leaves undefined.
//
// The message says what, which kernel, block and thread, and the line. It is thrown on the host: out of launch() for a
// launch that cannot be, and otherwise out of the call that ran the work: synchronise(), or launch() when work runs at
// once (Settings::copies early). What was still queued is dropped; the emulator goes on working.
#include <stdexcept>
#include <string>

#include "kernels/simt/place.h"

namespace gradus::simt {

struct Fault : std::logic_error {
    using std::logic_error::logic_error;
};

}  // namespace gradus::simt

namespace gradus::emulator {

// Throws the Fault. Inside a kernel it adds the kernel, the block and the thread.
[[noreturn]] void fault(const std::string& what, Place at);

}  // namespace gradus::emulator
