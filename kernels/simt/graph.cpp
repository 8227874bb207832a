// Graphs of kernels/simt/stream.h.
#include "kernels/simt/fault.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/queue.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

void fail_capture(StreamState& stream, const std::string& message) {
    const std::string where = ", which " + function_name(stream.capture->caller) + " began";
    stream.capture.reset();
    throw simt::Fault(message + where);
}

void forbid_in_capture(const char* op) {
    const Lock lock(device().mutex);
    for (auto& s : device().streams)
        if (s->capture && s->capture->thread == std::this_thread::get_id())
            fail_capture(*s, std::string(op) + " during a capture of this thread");
}

}  // namespace gradus::emulator

namespace gradus::simt {

using namespace emulator;

void begin_capture(Stream stream) {
    const Lock lock(device().mutex);
    StreamState& s = state_of(stream, "begin_capture");
    if (s.capture) fail_capture(s, "begin_capture: the stream has an open capture");
    s.capture.reset(new Capture{++device().captures, std::this_thread::get_id(), __builtin_return_address(0), {}});
}

Graph end_capture(Stream stream) {
    const Lock lock(device().mutex);
    StreamState& s = state_of(stream, "end_capture");
    if (!s.capture) throw Fault("end_capture: the stream has no open capture");
    if (s.capture->thread != std::this_thread::get_id())
        fail_capture(s, "end_capture: another thread began the capture");
    device().graphs.push_back(std::make_unique<GraphState>(GraphState{std::move(s.capture->work)}));
    s.capture.reset();
    return {device().graphs.back().get()};
}

void replay(Graph graph, Stream stream) {
    const Lock lock(device().mutex);
    const GraphState& g = state_of(graph, "replay");
    StreamState& s = state_of(stream, "replay");
    if (s.capture) fail_capture(s, "replay on a stream that is being captured");
    for (const Queueing& work : g.work) submit(s, work);
}

void release_graph(Graph graph) {
    const Lock lock(device().mutex);
    const GraphState& g = state_of(graph, "release_graph");
    const TsanIgnore ignore;  // queued replays may still read the arguments
    std::erase_if(device().graphs, [&](const auto& other) { return other.get() == &g; });
}

}  // namespace gradus::simt
