#pragma once
// The host's side of the emulated GPU, as the table of kernels/ops.h has it.
//
// Device memory is ordinary memory in allocations of their exact size, aligned to 256 bytes and filled with 0xFF (NaN).
// Under AddressSanitizer it may not be touched while host code runs: only kernels, copies and queued tasks may.
// Host memory that is given to a copy belongs to the copy until the stream has come to it, pinned or not (host_side.h).
#include "kernels/ops.h"

namespace gradus::simt {

void* allocate(size_t bytes);              // Error: the machine has not so much
void release(void* memory, size_t bytes);  // waits for all streams first, as cudaFree does
void* allocate_host(size_t bytes);
void release_host(void* memory, size_t bytes);
void zero(void* memory, size_t bytes, Stream);
void copy_to_device(void* device, const void* host, size_t bytes, Stream);
void copy_to_host(void* host, const void* device, size_t bytes, Stream);
void copy(void* to, const void* from, size_t bytes, Stream);  // on the device
void synchronise(Stream);

Stream compute_stream();  // in order with itself and nothing else, as any other
Stream make_stream();
void release_stream(Stream);  // its work is done first
Event make_event();
Event make_timed_event();
void release_event(Event);
void record(Event, Stream);  // the event stands for what the stream has been given so far
void wait(Stream, Event);    // what the stream is given from now on runs after what was last recorded
bool reached(Event);         // does a little of the queued work, as time passes on a GPU
double seconds_between(Event,
                       Event);  // of the host's clock, when the stream came to them; both must be timed and reached
DeviceMemory memory();          // Settings::memory

}  // namespace gradus::simt
