#pragma once
// Fault: a kernel, or the host code that launches kernels, did something that a GPU forbids or leaves undefined.
//
// The message names the error, kernel, block, thread and line. It is thrown on the host: by launch() for an invalid launch, else
// by the call that ran the work: synchronise(), or launch() itself with Settings::copies early. Queued work is dropped, and the
// emulator remains usable.
#include <stdexcept>
#include <string>

#include "kernels/simt/location.h"

namespace gradus::simt {

struct Fault : std::logic_error {
    using std::logic_error::logic_error;
};

}  // namespace gradus::simt

namespace gradus::emulator {

// Throws the Fault. Inside a kernel it adds the kernel, the block and the thread.
[[noreturn]] void fault(const std::string& what, Location at);

}  // namespace gradus::emulator
