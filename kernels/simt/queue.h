#pragma once
// The queues behind streams, events and graphs, and the choice of what runs next. Internal to stream.cpp, event.cpp and graph.cpp.
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/simt/machine.h"
#include "kernels/tensor.h"

namespace gradus::emulator {

using Clock = std::chrono::steady_clock;

struct StreamState;

// Queues a piece of work on a stream. Every call queues it anew, so a graph is a list of these.
using Queueing = std::function<void(StreamState&)>;

struct Capture {
    uint64_t id;
    std::thread::id thread;  // the one that began it
    const void* caller;      // an address in the function that began it
    std::vector<Queueing> work;
};

struct GraphState {
    std::vector<Queueing> work;
};

// One recording of an event. A wait refers to the last recording before it was queued.
struct Recording {
    bool reached = false;
    Clock::time_point when;
    char token = 0;
    uint64_t capture = 0;  // the id of the capture in which it was recorded: a place in a graph, never reached
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
    std::unique_ptr<Capture> capture;  // while one is open, work goes there
    void* tsan_fiber = nullptr;        // of ThreadSanitizer
    FiberPool fibers{run_threads};
    char token = 0;  // ThreadSanitizer: released by the stream after each piece of work
};

struct Device {
    std::recursive_mutex mutex;  // host threads take turns
    std::vector<std::unique_ptr<StreamState>> streams;
    std::vector<std::unique_ptr<EventState>> events;
    std::vector<std::unique_ptr<GraphState>> graphs;
    uint64_t choices = 0, captures = 0;  // so far
    bool running = false;
};

Device& device();

using Lock = std::unique_lock<std::recursive_mutex>;

StreamState* add_stream();
// Fault, with the name of the op: there is no such stream, event or graph.
StreamState& state_of(Stream, const char* op);
EventState& state_of(Event, const char* op);
GraphState& state_of(Graph, const char* op);

// Work for a stream: it goes to the stream's queue, or to its capture.
void submit(StreamState&, Queueing);
// The end of every Queueing.
void push(StreamState&, std::function<bool()> run, bool only_device);

// Runs the first work of some stream, chosen by the seed; null: any stream.
enum class Round { did_something, waits_for_a_task, stuck };
Round run_something(StreamState* wanted);
void run_until_empty(Lock&, StreamState&);  // and the host sees what the stream did
void run_until_all_empty(Lock&);

// Fault: this thread has an open capture, in which `op` is forbidden. The capture is dropped.
void forbid_in_capture(const char* op);
[[noreturn]] void fail_capture(StreamState&, const std::string& message);

}  // namespace gradus::emulator
