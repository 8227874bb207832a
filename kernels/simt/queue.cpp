#include "kernels/simt/queue.h"

#include "kernels/simt/device_memory.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

Device& device() {
    static Device* const one = new Device;  // never destroyed: static objects may still use it
    return *one;
}

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

GraphState& state_of(Graph graph, const char* op) {
    for (auto& g : device().graphs)
        if (g.get() == graph.handle) return *g;
    throw simt::Fault(std::string(op) + ": this graph was never captured, or has been released");
}

namespace {

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
    for (auto& s : device().streams) {
        s->queue.clear();
        s->capture.reset();
    }
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

}  // namespace

// Tries streams in a pseudo-random order until one makes progress. Half of the time `wanted` is first, so that the others may
// fall behind.
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

void run_until_empty(Lock& lock, StreamState& stream) {
    while (!stream.queue.empty()) {
        switch (run_something(&stream)) {
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
    acquire(&stream.token);
}

void run_until_all_empty(Lock& lock) {
    for (size_t i = 0; i < device().streams.size(); ++i) run_until_empty(lock, *device().streams[i]);
}

void submit(StreamState& stream, Queueing work) {
    if (device().running) throw simt::Fault("work was queued from inside a kernel or a task");
    if (stream.capture) {
        stream.capture->work.push_back(std::move(work));
        return;
    }
    work(stream);
    const TsanIgnore ignore;  // as in run_first(): if the work has run, its arguments are destroyed here
    work = nullptr;
}

void push(StreamState& stream, std::function<bool()> run, bool only_device) {
    auto work = std::make_unique<Work>(Work{std::move(run), only_device});
    release(&work->token);
    stream.queue.push_back(std::move(work));
    if (simt::settings().copies == simt::Copies::early)
        while (run_something(&stream) == Round::did_something) {}
}

}  // namespace gradus::emulator
