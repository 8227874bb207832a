#pragma once
// Work that is queued many times with the same arguments: recorded once as a graph of the device (kernels/ops.h), and replayed.
// A replay costs the host one call instead of hundreds.
//
//   Replays replays(run);
//   replays.run(rows, [&] { … queue the work for `rows` rows … });
//
// What differs between the calls of a key must be in memory, at the same addresses in every call. The first call of a key queues
// the work: kernels are loaded and algorithms chosen, which may not happen in a capture. The second call captures the work
// and replays it, and so do later calls. Without Runtime::graphs every call queues the work.
#include <functional>
#include <map>

#include "engine/runtime.h"

namespace gradus {

class Replays {
public:
    explicit Replays(const Runtime& r) : ops_(r.ops), stream_(r.stream), on_(r.graphs) {}
    ~Replays();
    Replays(const Replays&) = delete;
    Replays& operator=(const Replays&) = delete;

    void run(int64_t key, const std::function<void()>& work);

private:
    Graph captured(const std::function<void()>& work) const;

    const Ops& ops_;
    const Stream stream_;
    const bool on_;
    std::map<int64_t, Graph> known_;  // a null graph: queued once
};

}  // namespace gradus
