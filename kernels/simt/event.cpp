// Events of kernels/simt/stream.h.
#include "kernels/simt/fault.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/queue.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::simt {

using namespace emulator;

Event make_event() {
    const Lock lock(device().mutex);
    device().events.push_back(std::make_unique<EventState>());
    return {device().events.back().get()};
}

Event make_timed_event() {
    const Lock lock(device().mutex);
    const Event event = make_event();
    state_of(event, "make_timed_event").timed = true;
    return event;
}

void release_event(Event event) {
    const Lock lock(device().mutex);
    EventState& e = state_of(event, "release_event");
    std::erase_if(device().events, [&](const auto& other) { return other.get() == &e; });
}

void record(Event event, Stream stream) {
    const Lock lock(device().mutex);
    StreamState& s = state_of(stream, "record");
    auto recording = std::make_shared<Recording>();
    state_of(event, "record").last = recording;
    if (s.capture) {  // a place in the graph: replays do not record the event
        recording->capture = s.capture->id;
        return;
    }
    push(
        s,
        [recording] {
            emulator::release(&recording->token);
            const TsanIgnore ignore;
            recording->when = Clock::now();
            recording->reached = true;
            return true;
        },
        true);
}

void wait(Stream stream, Event event) {
    const Lock lock(device().mutex);
    const std::shared_ptr<Recording> recording = state_of(event, "wait").last;
    StreamState& s = state_of(stream, "wait");
    if (!recording) return;  // a wait for an event that was never recorded does nothing
    if (s.capture) {
        if (recording->capture == s.capture->id) return;  // the order of the stream
        fail_capture(s, "wait for an event that was recorded outside of the capture");
    }
    if (recording->capture)
        throw Fault(
            "wait for an event that was recorded in a capture: a graph of several streams is not supported, and a "
            "replay records no events");
    push(
        s,
        [recording] {
            if (recording->reached) emulator::acquire(&recording->token);
            return recording->reached;
        },
        true);
}

bool reached(Event event) {
    const Lock lock(device().mutex);
    forbid_in_capture("reached()");
    const EventState& e = state_of(event, "reached");
    if (!e.last) return true;
    if (e.last->capture) throw Fault("reached(): the event was recorded in a capture, and is never reached");
    if (!e.last->reached) run_something(nullptr);
    if (e.last->reached) emulator::acquire(&e.last->token);
    return e.last->reached;
}

double seconds_between(Event first, Event last) {
    const Lock lock(device().mutex);
    const EventState &a = state_of(first, "seconds_between"), &b = state_of(last, "seconds_between");
    if (!a.timed || !b.timed) throw Fault("seconds_between: an event has no time; create both with make_timed_event()");
    if (!a.last || !b.last || !a.last->reached || !b.last->reached)
        throw Fault("seconds_between: an event has not been reached; synchronise its stream first");
    return std::chrono::duration<double>(b.last->when - a.last->when).count();
}

}  // namespace gradus::simt
