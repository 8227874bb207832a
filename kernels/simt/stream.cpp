#include "kernels/simt/stream.h"

#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/simt/block.h"
#include "kernels/simt/device_memory.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/host_buffer.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

namespace {

using Clock = std::chrono::steady_clock;

// One recording of an event. A wait refers to the last recording before it was queued.
struct Recording {
    bool reached = false;
    Clock::time_point when;
    char token = 0;
};

struct EventState {
    std::shared_ptr<Recording> last;
    bool timed = false;
};

struct Work {
    std::function<bool()> run;  // false: not done yet, call again
    bool only_device;           // it depends on queued work alone, not on a host thread
    char token = 0;             // ThreadSanitizer: released by the host when it queues the work
};

struct StreamState {
    std::deque<std::unique_ptr<Work>> queue;
    void* tsan_fiber = nullptr;  // of ThreadSanitizer
    FiberPool fibers{run_threads};
    char token = 0;  // ThreadSanitizer: released by the stream after each piece of work
};

struct Device {
    std::recursive_mutex mutex;  // host threads take turns
    std::vector<std::unique_ptr<StreamState>> streams;
    std::vector<std::unique_ptr<EventState>> events;
    uint64_t choices = 0;
    bool running = false;
};

Device& device() {
    static Device* const one = new Device;  // never destroyed: static objects may still use it
    return *one;
}

using Lock = std::unique_lock<std::recursive_mutex>;

StreamState* add_stream() {
    auto state = std::make_unique<StreamState>();
    if (under_tsan()) state->tsan_fiber = __tsan_create_fiber(0);
    device().streams.push_back(std::move(state));
    return device().streams.back().get();
}

StreamState& state_of(Stream stream, const char* op) {
    static StreamState* const default_stream = add_stream();
    if (!stream.handle) return *default_stream;
    for (auto& s : device().streams)
        if (s.get() == stream.handle) return *s;
    throw simt::Fault(std::string(op) + ": this stream was never created, or has been released");
}

EventState& state_of(Event event, const char* op) {
    for (auto& e : device().events)
        if (e.get() == event.handle) return *e;
    throw simt::Fault(std::string(op) + ": this event was never created, or has been released");
}

// A pseudo-random number below n, from the seed and the count of earlier draws.
size_t choose(size_t n) {
    const uint64_t seed = simt::settings().seed;
    if (seed == 0) return 0;
    uint64_t x = (seed * 0x9E3779B97F4A7C15u) ^ (++device().choices * 0xD1B54A32D192ED03u);
    x ^= x >> 31;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 29;
    return size_t(x % n);
}

// After a Fault, queued work may depend on results that do not exist.
void drop_everything() {
    const TsanIgnore ignore;
    for (auto& s : device().streams) s->queue.clear();
    for (auto& e : device().events)
        if (e->last) e->last->reached = true;
}

// Runs the first queued work of a stream; true when it is done.
bool run_first(StreamState& stream) {
    Device& d = device();
    Work& work = *stream.queue.front();
    void* const caller = under_tsan() ? __tsan_get_current_fiber() : nullptr;
    const auto back = [&] {
        if (caller) __tsan_switch_to_fiber(caller, 1);
        d.running = false;
    };
    d.running = true;
    const DeviceAccess open;  // before the switch: its mutex would order the streams
    if (caller) __tsan_switch_to_fiber(stream.tsan_fiber, 1);
    acquire(&work.token);
    bool done = false;
    try {
        done = work.run();
        release(&stream.token);
    } catch (...) {
        release(&stream.token);
        back();
        acquire(&stream.token);
        drop_everything();
        throw;
    }
    back();
    if (done) {
        const TsanIgnore ignore;  // the host has not acquired the work yet, and only removes it
        stream.queue.pop_front();
    }
    return done;
}

// Tries streams in a pseudo-random order until one makes progress. Half of the time `wanted` is first, so that the others may
// fall behind.
enum class Round { did_something, waits_for_a_task, stuck };

Round run_something(StreamState* wanted) {
    auto& streams = device().streams;
    const size_t first = choose(streams.size());
    const bool wanted_first = wanted && choose(2) == 0;
    bool tasks = false;
    for (size_t i = 0; i < streams.size() + (wanted_first ? 1 : 0); ++i) {
        StreamState& s = wanted_first && i == 0 ? *wanted : *streams[(first + i) % streams.size()];
        if (s.queue.empty()) continue;
        if (!s.queue.front()->only_device) tasks = true;
        if (run_first(s)) return Round::did_something;
    }
    return tasks ? Round::waits_for_a_task : Round::stuck;
}

template <class Done>
void run_until(Lock& lock, StreamState* wanted, Done done) {
    while (!done()) {
        switch (run_something(wanted)) {
            case Round::did_something: break;
            case Round::waits_for_a_task:  // the task may wait for another host thread
                lock.unlock();
                std::this_thread::sleep_for(std::chrono::microseconds(50));
                lock.lock();
                break;
            case Round::stuck:
                drop_everything();
                throw simt::Fault("deadlock: streams wait for events that no queued work records");
        }
    }
}

void push(StreamState& stream, std::function<bool()> run, bool only_device) {
    Device& d = device();
    if (d.running) throw simt::Fault("work was queued from inside a kernel or a task");
    auto work = std::make_unique<Work>(Work{std::move(run), only_device});
    release(&work->token);
    stream.queue.push_back(std::move(work));
    if (simt::settings().copies == simt::Copies::early)
        while (run_something(&stream) == Round::did_something) {}
}

void synchronise_all(Lock& lock) {
    for (size_t i = 0; i < device().streams.size(); ++i) {
        StreamState& s = *device().streams[i];
        run_until(lock, &s, [&] { return s.queue.empty(); });
        acquire(&s.token);
    }
}

}  // namespace

void synchronise_all() {
    Lock lock(device().mutex);
    synchronise_all(lock);
}

void enqueue_launch(Stream stream, std::unique_ptr<LaunchCall> launch) {
    const Lock lock(device().mutex);
    check_launch(*launch);
    StreamState& s = state_of(stream, "launch");
    push(
        s,
        [&s, call = std::shared_ptr<LaunchCall>(std::move(launch))] {
            run_launch(*call, s.fibers);
            return true;
        },
        true);
}

}  // namespace gradus::emulator

namespace gradus::simt {

using namespace emulator;

void enqueue(Stream stream, std::function<bool()> task) {
    const Lock lock(device().mutex);
    push(state_of(stream, "enqueue"), std::move(task), false);
}

void zero(void* memory, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    push(
        state_of(stream, "zero"),
        [=] {
            record_write(memory, bytes);
            const TsanIgnore ignore;
            std::memset(memory, 0, bytes);
            return true;
        },
        true);
}

namespace {

// host: the copy's source or destination on the host; null: both are on the device.
void queue_copy(const char* op, void* to, const void* from, size_t bytes, Stream stream,
                std::shared_ptr<HostBuffer> host = nullptr) {
    push(
        state_of(stream, op),
        [=] {
            if (host) host->begin();
            record_read(from, bytes);
            record_write(to, bytes);
            if (host) host->check();
            const TsanIgnore ignore;
            std::memcpy(to, from, bytes);
            return true;
        },
        true);
}

}  // namespace

void copy_to_device(void* device_memory, const void* host, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    queue_copy("copy_to_device", device_memory, host, bytes, stream,
               std::make_shared<HostBuffer>(HostBuffer::Role::source, host, bytes, __builtin_return_address(0)));
}

void copy_to_host(void* host, const void* device_memory, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    queue_copy("copy_to_host", host, device_memory, bytes, stream,
               std::make_shared<HostBuffer>(HostBuffer::Role::destination, host, bytes, __builtin_return_address(0)));
}

void copy(void* to, const void* from, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    queue_copy("copy", to, from, bytes, stream);
}

void synchronise(Stream stream) {
    Lock lock(device().mutex);
    StreamState& s = state_of(stream, "synchronise");
    run_until(lock, &s, [&] { return s.queue.empty(); });
    acquire(&s.token);
}

void release(void* memory, size_t bytes) {
    Lock lock(device().mutex);
    synchronise_all(lock);
    free_device_memory(memory, bytes);
}

Stream compute_stream() { return {}; }

Stream make_stream() {
    const Lock lock(device().mutex);
    return {add_stream()};
}

void release_stream(Stream stream) {
    Lock lock(device().mutex);
    StreamState& s = state_of(stream, "release_stream");
    if (!stream.handle) throw Fault("release_stream: the default stream cannot be released");
    run_until(lock, &s, [&] { return s.queue.empty(); });
    emulator::acquire(&s.token);
    if (s.tsan_fiber) __tsan_destroy_fiber(s.tsan_fiber);
    std::erase_if(device().streams, [&](const auto& other) { return other.get() == &s; });
}

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
    auto recording = std::make_shared<Recording>();
    state_of(event, "record").last = recording;
    push(
        state_of(stream, "record"),
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
    const EventState& e = state_of(event, "reached");
    if (!e.last) return true;
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
