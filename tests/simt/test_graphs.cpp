// Graphs of the emulated GPU: captures and replays.
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <thread>

#include "kernels/simt/fault.h"
#include "kernels/simt/stream.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

__global__ void set(float* y, float value) { y[0] = value; }
__global__ void add(float* y, const float* x) { y[0] += x[0]; }

struct Captures {
    float* x = static_cast<float*>(allocate(4));
    float* y = static_cast<float*>(allocate(4));
    Stream first = make_stream(), second = make_stream();
    Event event = make_event();

    Captures() { write(x, 0), write(y, 0); }
    ~Captures() {
        release(x, 4);
        release(y, 4);
        release_stream(first);
        release_stream(second);
        release_event(event);
    }
    void write(float* device, float value) const {
        copy_to_device(device, &value, 4, second);
        synchronise(second);
    }
    float value(const float* device) const {
        float host = -1;
        copy_to_host(&host, device, 4, second);
        synchronise(second);
        return host;
    }
    template <class Work>
    Graph captured(Work work) const {
        begin_capture(second);
        work();
        return end_capture(second);
    }
};

}  // namespace

TEST_CASE("captured work does not run, and every replay runs all of it in the order of queueing") {
    in_every_order([] {
        const Captures c;
        c.write(c.x, 2);
        const Graph graph = c.captured([&] {
            launch(add, 1, 1, 0, c.second, c.y, c.x);
            copy(c.x, c.y, 4, c.second);
        });
        REQUIRE(c.value(c.y) == 0);
        replay(graph, c.second);
        REQUIRE(c.value(c.y) == 2);
        c.write(c.x, 10);  // what a replay reads is what is in memory then
        replay(graph, c.second);
        synchronise(c.second);
        replay(graph, c.first);
        synchronise(c.first);
        REQUIRE(c.value(c.y) == 24);
        release_graph(graph);
    });
}

TEST_CASE("a graph keeps its arguments by value, and the addresses of its copies") {
    in_every_order([] {
        const Captures c;
        float value = 3, from = 5, to = -1;
        const Graph graph = c.captured([&] {
            launch(set, 1, 1, 0, c.second, c.y, value);
            copy_to_device(c.x, &from, 4, c.second);
            launch(add, 1, 1, 0, c.second, c.y, c.x);
            copy_to_host(&to, c.y, 4, c.second);
            zero(c.x, 4, c.second);
        });
        value = 100;
        for (const float now : {5.f, 6.f}) {
            from = now;
            replay(graph, c.second);
            synchronise(c.second);
            REQUIRE(to == 3 + now);
            REQUIRE(c.value(c.x) == 0);
        }
        release_graph(graph);
    });
}

TEST_CASE("replays that are queued run after their graph was released, and tasks begin anew in each") {
    in_every_order([] {
        const Captures c;
        std::vector<int> calls;
        const Graph graph = c.captured([&] {
            enqueue(c.second, [&calls, count = 0]() mutable {
                calls.push_back(++count);
                return count == 2;
            });
            launch(set, 1, 1, 0, c.second, c.x, 1.0f);
            launch(add, 1, 1, 0, c.second, c.y, c.x);
        });
        replay(graph, c.second);
        replay(graph, c.second);
        release_graph(graph);
        REQUIRE(c.value(c.y) == 2);
        REQUIRE(calls == std::vector<int>{1, 2, 1, 2});
        REQUIRE_THROWS_WITH(replay(graph, c.second), Catch::Contains("replay: this graph"));
    });
}

TEST_CASE("an event orders a replay and another stream as it orders other work, and without one both orders happen") {
    std::set<float> seen;
    for (const bool ordered : {true, false})
        for (uint64_t seed = 0; seed < 16; ++seed) {
            use({seed, Copies::late, 1});
            const Captures c;
            const Graph graph = c.captured([&] {
                launch(set, 1, 1, 0, c.second, c.y, 1.0f);
                launch(add, 1, 1, 0, c.second, c.y, c.x);
            });
            launch(set, 1, 1, 0, c.first, c.x, 10.0f);
            record(c.event, c.first);
            if (ordered) wait(c.second, c.event);
            replay(graph, c.second);
            const float sum = c.value(c.y);
            if (ordered) REQUIRE(sum == 11);
            else seen.insert(sum);
            synchronise(c.first);
            release_graph(graph);
        }
    use({});
    REQUIRE((seen == std::set<float>{1, 11}));
}

TEST_CASE("an event that is recorded in a capture orders only the capture") {
    const Captures c;
    const Graph graph = c.captured([&] {
        launch(set, 1, 1, 0, c.second, c.y, 1.0f);
        record(c.event, c.second);
        wait(c.second, c.event);
    });
    replay(graph, c.second);
    REQUIRE(c.value(c.y) == 1);
    REQUIRE_THROWS_WITH(wait(c.first, c.event), Catch::Contains("recorded in a capture"));
    REQUIRE_THROWS_WITH(reached(c.event), Catch::Contains("recorded in a capture"));
    record(c.event, c.first);
    wait(c.second, c.event);
    synchronise(c.second);
    release_graph(graph);
}

TEST_CASE("what CUDA forbids during a capture is a Fault that names who began it, and the capture is dropped") {
    const Captures c;
    void* const pinned = allocate_host(4);
    void* const memory = allocate(4);
    record(c.event, c.first);
    const std::pair<const char*, std::function<void()>> forbidden[] = {
        {"synchronise", [&] { synchronise(c.second); }},
        {"allocate during", [&] { allocate(4); }},
        {"allocate_host", [&] { allocate_host(4); }},
        {"release of device memory", [&] { release(memory, 4); }},
        {"release_host", [&] { release_host(pinned, 4); }},
        {"release of a stream", [&] { release_stream(c.second); }},
        {"reached", [&] { reached(c.event); }},
        {"recorded outside", [&] { wait(c.second, c.event); }},
        {"begin_capture", [&] { begin_capture(c.second); }},
        {"another thread",
         [&] {
             std::string message;
             std::thread([&] {
                 try {
                     end_capture(c.second);
                 } catch (const Fault& fault) { message = fault.what(); }
             }).join();
             throw Fault(message);
         }},
    };
    for (const auto& [name, misuse] : forbidden) {
        INFO(name);
        begin_capture(c.second);
        launch(set, 1, 1, 0, c.second, c.y, 1.0f);
        REQUIRE_THROWS_WITH(misuse(),
                            Catch::Contains(name) && Catch::Contains("gradus::simt::") && Catch::Contains(" began"));
        REQUIRE_THROWS_WITH(end_capture(c.second), Catch::Contains("no open capture"));
        REQUIRE(c.value(c.y) == 0);
    }
    const Graph graph = c.captured([] {});
    begin_capture(c.second);
    REQUIRE_THROWS_WITH(replay(graph, c.second), Catch::Contains("replay on a stream that is being captured"));
    release_graph(graph);
    release(memory, 4);
    release_host(pinned, 4);
}

TEST_CASE(
    "another thread may allocate and query events while this one captures, and another stream may be waited for") {
    const Captures c;
    record(c.event, c.first);
    begin_capture(c.second);
    launch(set, 1, 1, 0, c.second, c.y, 4.0f);
    synchronise(c.first);
    bool is_reached = false;
    std::thread([&] {
        release(allocate(16), 16);
        is_reached = reached(c.event);
    }).join();
    const Graph graph = end_capture(c.second);
    REQUIRE(is_reached);
    replay(graph, c.second);
    REQUIRE(c.value(c.y) == 4);
    release_graph(graph);
}

}  // namespace gradus::simt
