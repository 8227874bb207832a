#pragma once
// Memory, streams, events and graphs of kernels/ops.h, and what kernels ask of the device, for a GPU (host/) and for the emulator
// (kernels/simt/memory.h).
#include "kernels/cuda/primitives/device.h"
#include "kernels/tensor.h"

namespace gradus::DEVICE {

void* allocate(size_t bytes);
void release(void* memory, size_t bytes);
void* allocate_host(size_t bytes);
void release_host(void* memory, size_t bytes);
DeviceMemory memory();
size_t shared_memory();  // bytes of a multiprocessor, for all its blocks
int capability();        // compute capability of the GPU: 90 for 9.0
int multiprocessors();

void zero(void* memory, size_t bytes, Stream);
void copy_to_device(void* device, const void* host, size_t bytes, Stream);
void copy_to_host(void* host, const void* device, size_t bytes, Stream);
void copy(void* to, const void* from, size_t bytes, Stream);
void synchronise(Stream);

Stream compute_stream();
Stream make_stream();
void release_stream(Stream);
Event make_event();
Event make_timed_event();
void release_event(Event);
void record(Event, Stream);
void wait(Stream, Event);
bool reached(Event);
double seconds_between(Event, Event);

void begin_capture(Stream);
Graph end_capture(Stream);
void replay(Graph, Stream);
void release_graph(Graph);

}  // namespace gradus::DEVICE
