#pragma once
// Streams and events of a synchronous backend, whose ops are done when they return: waits do nothing, and an event is the time of
// its recording.
#include <unistd.h>

#include <chrono>

#include "kernels/ops.h"

namespace gradus::immediate {

using Clock = std::chrono::steady_clock;

inline DeviceMemory memory() {
    const auto page = size_t(::sysconf(_SC_PAGESIZE));
    return {size_t(::sysconf(_SC_AVPHYS_PAGES)) * page, size_t(::sysconf(_SC_PHYS_PAGES)) * page};
}
inline void synchronise(Stream) {}
inline Stream compute_stream() { return {}; }
inline Stream make_stream() { return {}; }
inline void release_stream(Stream) {}
inline Event make_event() { return {new Clock::time_point()}; }
inline void release_event(Event e) { delete static_cast<Clock::time_point*>(e.handle); }
inline void record(Event e, Stream) { *static_cast<Clock::time_point*>(e.handle) = Clock::now(); }
inline void wait(Stream, Event) {}
inline bool reached(Event) { return true; }
inline double seconds_between(Event from, Event to) {
    const auto time = [](Event e) { return *static_cast<Clock::time_point*>(e.handle); };
    return std::chrono::duration<double>(time(to) - time(from)).count();
}

// Adds the functions of this header to a table.
inline Ops completed(Ops table) {
    table.memory = memory;
    table.synchronise = synchronise;
    table.compute_stream = compute_stream;
    table.make_stream = make_stream;
    table.release_stream = release_stream;
    table.make_event = make_event;
    table.make_timed_event = make_event;
    table.release_event = release_event;
    table.record = record;
    table.wait = wait;
    table.reached = reached;
    table.seconds_between = seconds_between;
    return table;
}

}  // namespace gradus::immediate
