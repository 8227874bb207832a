#include "engine/replays.h"

namespace gradus {

Replays::~Replays() {
    for (const auto& [key, graph] : known_)
        if (graph.handle) ops_.release_graph(graph);
}

// The capture must end before an exception goes on: the stream could not be used again.
Graph Replays::captured(const std::function<void()>& work) const {
    ops_.begin_capture(stream_);
    try {
        work();
    } catch (...) {
        try {
            ops_.release_graph(ops_.end_capture(stream_));
        } catch (...) {}  // the exception of the work says more
        throw;
    }
    return ops_.end_capture(stream_);
}

void Replays::run(int64_t key, const std::function<void()>& work) {
    if (!on_) return work();
    const auto [known, first] = known_.try_emplace(key);
    if (first) return work();
    Graph& graph = known->second;
    if (!graph.handle) graph = captured(work);
    ops_.replay(graph, stream_);
}

}  // namespace gradus
