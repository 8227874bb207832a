#pragma once
// The host API of the emulated GPU: memory, copies, streams, events and graphs of kernels/ops.h.
//
// Device memory is host memory in allocations of their exact size, aligned to 256 bytes and filled with 0xFF (NaN). Only
// kernels, copies and queued tasks may access it: AddressSanitizer reports other host code. Host memory of a queued copy, pinned
// or not, must stay untouched until the copy has run (host_side.h).
#include "kernels/ops.h"

namespace gradus::simt {

void* allocate(size_t bytes);              // Error: out of memory
void release(void* memory, size_t bytes);  // waits for all streams first, as cudaFree does
void* allocate_host(size_t bytes);
void release_host(void* memory, size_t bytes);
void zero(void* memory, size_t bytes, Stream);
void copy_to_device(void* device, const void* host, size_t bytes, Stream);
void copy_to_host(void* host, const void* device, size_t bytes, Stream);
void copy(void* to, const void* from, size_t bytes, Stream);  // on the device
void synchronise(Stream);

Stream compute_stream();
Stream make_stream();
void release_stream(Stream);  // after its queued work
Event make_event();
Event make_timed_event();
void release_event(Event);
void record(Event, Stream);            // the event is reached when all work queued so far is done
void wait(Stream, Event);              // work queued from now on runs after the event's last recording is reached
bool reached(Event);                   // runs some queued work, as time would pass on a GPU
double seconds_between(Event, Event);  // host time between two timed events, both reached
DeviceMemory memory();                 // Settings::memory
int capability();                      // Settings::capability
int multiprocessors();                 // of an H200
size_t shared_memory();                // of a multiprocessor, for all its blocks

// A capture records work as it is queued, and replay() queues it again. Fault for what CUDA forbids, and drops the capture.
void begin_capture(Stream);
Graph end_capture(Stream);
void replay(Graph, Stream);
void release_graph(Graph);

}  // namespace gradus::simt
