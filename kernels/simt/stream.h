#pragma once
// Streams and events, with exactly the orders they guarantee: work of one stream runs in the order in which it was queued; work
// of two streams runs in any order (the seed decides, launch by launch), unless an event orders it. The default stream (an
// empty handle) is a stream like the others.
//
// With copies=late nothing runs before somebody waits for it; with copies=early everything runs as soon as it is queued.
// For ThreadSanitizer each stream is a thread, which knows what the host had done when it queued the work, and what an event
// it waited for had seen: two kernels on two streams without an event between them race.
#include <functional>
#include <memory>

#include "kernels/simt/machine.h"
#include "kernels/tensor.h"

namespace gradus::emulator {

void enqueue_launch(Stream stream, std::unique_ptr<LaunchCall> launch);

}  // namespace gradus::emulator

namespace gradus::simt {

// Host code in the order of a stream, for what stands in for a library: a matrix product, a collective of several ranks. A task
// that returns false is called again later; what follows it on its stream waits, and other streams go on.
void enqueue(Stream stream, std::function<bool()> task);

}  // namespace gradus::simt
