// The functions of kernels/cuda/memory.h for the counted kernels: those of the emulator.
#include "kernels/simt/memory.h"

#include "kernels/cuda/memory.h"

namespace gradus::counted {

void* allocate(size_t bytes) { return simt::allocate(bytes); }
void release(void* memory, size_t bytes) { simt::release(memory, bytes); }
void* allocate_host(size_t bytes) { return simt::allocate_host(bytes); }
void release_host(void* memory, size_t bytes) { simt::release_host(memory, bytes); }
DeviceMemory memory() { return simt::memory(); }
size_t shared_memory() { return simt::shared_memory(); }
int capability() { return simt::capability(); }
int multiprocessors() { return simt::multiprocessors(); }

void zero(void* memory, size_t bytes, Stream s) { simt::zero(memory, bytes, s); }
void copy_to_device(void* device, const void* host, size_t bytes, Stream s) {
    simt::copy_to_device(device, host, bytes, s);
}
void copy_to_host(void* host, const void* device, size_t bytes, Stream s) {
    simt::copy_to_host(host, device, bytes, s);
}
void copy(void* to, const void* from, size_t bytes, Stream s) { simt::copy(to, from, bytes, s); }
void synchronise(Stream s) { simt::synchronise(s); }

Stream compute_stream() { return simt::compute_stream(); }
Stream make_stream() { return simt::make_stream(); }
void release_stream(Stream s) { simt::release_stream(s); }
Event make_event() { return simt::make_event(); }
Event make_timed_event() { return simt::make_timed_event(); }
void release_event(Event event) { simt::release_event(event); }
void record(Event event, Stream s) { simt::record(event, s); }
void wait(Stream s, Event event) { simt::wait(s, event); }
bool reached(Event event) { return simt::reached(event); }
double seconds_between(Event first, Event second) { return simt::seconds_between(first, second); }

void begin_capture(Stream s) { simt::begin_capture(s); }
Graph end_capture(Stream s) { return simt::end_capture(s); }
void replay(Graph graph, Stream s) { simt::replay(graph, s); }
void release_graph(Graph graph) { simt::release_graph(graph); }

}  // namespace gradus::counted
