#pragma once
// Streams, events and graphs, with exactly the order that they guarantee: work of one stream runs in the order of queueing; work of two
// streams runs in any order (the seed decides, launch by launch), unless an event orders it. The default stream (a null handle)
// is a stream like the others.
//
// A graph is a list of work: replay() queues each piece again, so work of other streams may run between them.
//
// With copies=late, work runs only when the host waits for it; with copies=early, when it is queued. For ThreadSanitizer each
// stream is a thread, ordered after the host's accesses before queueing and after the events it waits for: two kernels on two
// streams without an event between them race.
#include <functional>
#include <memory>

#include "kernels/simt/machine.h"
#include "kernels/tensor.h"

namespace gradus::emulator {

void enqueue_launch(Stream stream, std::unique_ptr<LaunchCall> launch);
void synchronise_all();

}  // namespace gradus::emulator

namespace gradus::simt {

// Queues host code on a stream: emulations of library calls, such as a matmul or a collective of several ranks. A task that
// returns false is called again later; work behind it on its stream waits, and other streams continue.
void enqueue(Stream stream, std::function<bool()> task);

}  // namespace gradus::simt
