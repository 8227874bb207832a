// Bugs of captures and replays.
#include <cstdio>
#include <vector>

#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

__global__ void twice(float* y) { y[threadIdx.x] *= 2; }

__global__ void fill(float* y, float value) {
    y[threadIdx.x] = value;  // BUG graph_of_released_memory
}

__global__ void increase(float* y) {
    y[threadIdx.x] += 1;  // BUG graph_without_event
}

void replay_once(Graph graph) {
    replay(graph, {});
    synchronise({});
    release_graph(graph);
}

}  // namespace

Bugs bugs_of_graphs() {
    return {{"synchronise_in_capture",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 begin_capture({});
                 launch(twice, 1, 64, 0, {}, y);
                 if (!fixed) synchronise({});
                 replay_once(end_capture({}));
             }},
            {"allocation_in_capture",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 if (!fixed) begin_capture({});
                 DeviceArray<float> x(64);
                 if (fixed) begin_capture({});
                 copy(x, y, 64 * sizeof(float), {});
                 replay_once(end_capture({}));
             }},
            {"event_from_outside",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 const Stream other = make_stream();
                 const Event event = make_event();
                 launch(twice, 1, 64, 0, other, y);
                 record(event, other);
                 if (fixed) wait({}, event);
                 begin_capture({});
                 if (!fixed) wait({}, event);
                 launch(twice, 1, 64, 0, {}, y);
                 replay_once(end_capture({}));
             }},
            {"capture_left_open",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 begin_capture({});
                 launch(twice, 1, 64, 0, {}, y);
                 if (fixed) release_graph(end_capture({}));
                 synchronise({});
             }},
            {"value_of_the_capture",
             [](bool fixed) {
                 DeviceArray<float> y(64), values(64);
                 float value = 1;
                 begin_capture({});
                 if (fixed) copy(y, values, 64 * sizeof(float), {});
                 else launch(fill, 1, 64, 0, {}, y, value);
                 const Graph graph = end_capture({});
                 value = 2;
                 launch(fill, 1, 64, 0, {}, values, value);
                 replay_once(graph);
                 float seen = 0;
                 copy_to_host(&seen, y, sizeof seen, {});
                 synchronise({});
                 if (seen != 2) throw Fault("the replay has the value of the capture");
             }},
            {"graph_of_released_memory",
             [](bool fixed) {
                 auto* y = static_cast<float*>(allocate(64 * sizeof(float)));
                 begin_capture({});
                 launch(fill, 1, 64, 0, {}, y, 1.0f);
                 const Graph graph = end_capture({});
                 if (!fixed) release(y, 64 * sizeof(float));
                 replay_once(graph);
                 if (fixed) release(y, 64 * sizeof(float));
             }},
            {"graph_without_event", [](bool fixed) {
                 DeviceArray<float> y(64);
                 const Stream other = make_stream();
                 const Event event = make_event();
                 begin_capture({});
                 launch(increase, 1, 64, 0, {}, y);
                 const Graph graph = end_capture({});
                 replay(graph, other);
                 record(event, other);
                 if (fixed) wait({}, event);
                 launch(increase, 1, 64, 0, {}, y);
                 synchronise({});
                 synchronise(other);
                 release_graph(graph);
             }}};
}

}  // namespace gradus::simt
