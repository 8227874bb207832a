// Streams, events, memory and settings of the emulated GPU.
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <thread>

#include "kernels/simt/fault.h"
#include "tests/simt/every_order.h"

namespace gradus::simt {

namespace {

__global__ void set(float* y, float value) { y[0] = value; }
__global__ void add(float* y, const float* x) { y[0] += x[0]; }
__global__ void broken(float* y) { device_check(y == nullptr); }

struct Two {
    float* x = static_cast<float*>(allocate(4));
    float* y = static_cast<float*>(allocate(4));
    Stream first = make_stream(), second = make_stream();
    Event event = make_event();
    ~Two() {
        release(x, 4);
        release(y, 4);
        release_stream(first);
        release_stream(second);
        release_event(event);
    }
    float value(const float* device) const {
        float host = -1;
        copy_to_host(&host, device, 4, second);
        synchronise(second);
        return host;
    }
};

}  // namespace

TEST_CASE("work of one stream runs in the order in which it was queued") {
    in_every_order([] {
        Two two;
        float host = 5;
        copy_to_device(two.x, &host, 4, two.second);
        zero(two.y, 4, two.second);
        launch(add, 1, 1, 0, two.second, two.y, two.x);
        launch(set, 1, 1, 0, two.second, two.x, 7.0f);
        launch(add, 1, 1, 0, two.second, two.y, two.x);
        REQUIRE(two.value(two.y) == 12);
    });
}

TEST_CASE("an event orders two streams, and without one both orders happen") {
    std::set<float> seen;
    for (const bool ordered : {true, false})
        for (uint64_t seed = 0; seed < 16; ++seed) {
            use({seed, Copies::late, 1});
            Two two;
            launch(set, 1, 1, 0, two.second, two.y, 1.0f);
            launch(set, 1, 1, 0, two.second, two.x, 1.0f);
            synchronise(two.second);
            launch(set, 1, 1, 0, two.first, two.x, 10.0f);
            record(two.event, two.first);
            if (ordered) wait(two.second, two.event);
            launch(add, 1, 1, 0, two.second, two.y, two.x);
            const float sum = two.value(two.y);
            if (ordered) REQUIRE(sum == 11);
            else seen.insert(sum);
            synchronise(two.first);
        }
    use({});
    REQUIRE((seen == std::set<float>{2, 11}));
}

TEST_CASE("queued work runs in synchronise with late copies, and at once with early copies") {
    for (const Copies copies : {Copies::late, Copies::early}) {
        use({1, copies, 1});
        Two two;
        float host = -1;
        launch(set, 1, 1, 0, two.second, two.x, 3.0f);
        copy_to_host(&host, two.x, 4, two.second);
        if (copies == Copies::late) REQUIRE(std::isnan(host));  // poisoned until the copy runs
        else REQUIRE(host == 3);
        synchronise(two.second);
        REQUIRE(host == 3);
    }
    use({});
}

TEST_CASE("a write to the host memory of a queued copy is a Fault that names the function that queued it") {
    use({0, Copies::late, 1});
    Two two;
    std::vector<float> host(1024, 2);
    for (const bool to_device : {true, false}) {
        auto* many = static_cast<float*>(allocate(4096));
        const auto queue = [&] {
            to_device ? copy_to_device(many, host.data(), 4096, two.first)
                      : copy_to_host(host.data(), many, 4096, two.first);
        };
        queue();
        host[1023] = 1;
        REQUIRE_THROWS_WITH(synchronise(two.first), Catch::Contains(to_device ? "copy_to_device" : "copy_to_host") &&
                                                        Catch::Contains("4096 bytes") &&
                                                        Catch::Contains("gradus::simt::"));
        queue();
        synchronise(two.first);
        host[1023] = 1;  // allowed after the copy
        synchronise(two.first);
        release(many, 4096);
    }
    use({});
}

TEST_CASE("copies of one stream with overlapping host memory run in order, without a Fault") {
    in_every_order([] {
        Two two;
        launch(set, 1, 1, 0, two.second, two.x, 3.0f);
        float host = 5;
        copy_to_device(two.y, &host, 4, two.second);
        copy_to_host(&host, two.x, 4, two.second);
        copy_to_device(two.x, &host, 4, two.second);
        copy_to_host(&host, two.y, 4, two.second);
        synchronise(two.second);
        REQUIRE(host == 5);
        REQUIRE(two.value(two.x) == 3);
    });
}

TEST_CASE("an event is reached after the work before it, and the time between two events is measured") {
    Two two;
    const Event sooner = make_timed_event(), later = make_timed_event();
    REQUIRE(reached(two.event));  // never recorded
    record(two.event, two.first);
    record(sooner, two.first);
    launch(set, 1, 1, 0, two.first, two.x, 3.0f);
    record(later, two.first);
    REQUIRE_THROWS_AS(seconds_between(sooner, later), Fault);
    int asked = 0;
    while (!reached(later) && asked < 1000) ++asked;
    REQUIRE(asked < 1000);
    REQUIRE(reached(two.event));
    REQUIRE(seconds_between(sooner, later) >= 0);
    REQUIRE_THROWS_WITH(seconds_between(two.event, later), Catch::Contains("make_timed_event"));
    for (Event e : {sooner, later}) release_event(e);
}

TEST_CASE("a task is called again until it is done, and later work of its stream waits") {
    in_every_order([] {
        Two two;
        int calls = 0;
        enqueue(two.second, [&] { return ++calls == 4; });
        launch(set, 1, 1, 0, two.second, two.x, 2.0f);
        REQUIRE(two.value(two.x) == 2);
        REQUIRE(calls == 4);
    });
}

TEST_CASE("tasks of two host threads can wait for each other, as ranks do") {
    std::atomic<int> arrived = 0;
    float results[2] = {};
    const auto rank = [&](int r) {
        const Stream stream = make_stream();
        auto* x = static_cast<float*>(allocate(4));
        bool counted = false;
        enqueue(stream, [&arrived, counted]() mutable {
            if (!counted) ++arrived;
            counted = true;
            return arrived == 2;
        });
        launch(set, 1, 1, 0, stream, x, float(r + 1));
        copy_to_host(&results[r], x, 4, stream);
        synchronise(stream);
        release(x, 4);
        release_stream(stream);
    };
    std::thread other(rank, 1);
    rank(0);
    other.join();
    REQUIRE(results[0] == 1);
    REQUIRE(results[1] == 2);
}

TEST_CASE("after a Fault queued work is dropped and the emulator remains usable") {
    in_every_order([] {
        Two two;
        const auto fail = [&] {
            launch(broken, 2, 64, 0, two.second, two.x);
            launch(set, 1, 1, 0, two.second, two.y, 1.0f);
            synchronise(two.second);
        };
        REQUIRE_THROWS_WITH(fail(), Catch::Contains("device_check failed: y == nullptr") &&
                                        Catch::Contains("test_streams.cpp") && Catch::Contains("broken, launched at") &&
                                        Catch::Contains("thread ("));
        launch(set, 1, 1, 0, two.second, two.x, 4.0f);
        REQUIRE(two.value(two.x) == 4);
    });
}

TEST_CASE("streams, events and memory that do not exist are Faults") {
    const Stream stream = make_stream();
    const Event event = make_event();
    void* memory_of_8 = allocate(8);
    REQUIRE_THROWS_WITH(release(memory_of_8, 9), Catch::Contains("9 bytes") && Catch::Contains("8 were allocated"));
    release(memory_of_8, 8);
    release_stream(stream);
    release_event(event);
    REQUIRE_THROWS_AS(synchronise(stream), Fault);
    REQUIRE_THROWS_AS(record(event, {}), Fault);
    REQUIRE_THROWS_AS(release(memory_of_8, 8), Fault);
}

TEST_CASE("out of memory is an Error that names the requested bytes") {
    REQUIRE_THROWS_WITH(allocate(size_t(1) << 60), Catch::Contains("1152921504606846976 bytes"));
    const DeviceMemory before = memory();
    void* some = allocate(1 << 20);
    REQUIRE(memory().free == before.free - (1 << 20));
    release(some, 1 << 20);
    REQUIRE(memory().total == before.total);
}

TEST_CASE("settings are parsed from text, and an invalid word is quoted") {
    const Settings read = parse_settings("seed=7 resident=2 copies=early");
    REQUIRE((read.seed == 7 && read.resident == 2 && read.copies == Copies::early));
    REQUIRE(parse_settings("").seed == Settings{}.seed);
    for (const char* bad :
         {"sed=7", "seed=", "seed=x", "seed=-1", "resident=0", "resident=2000", "copies=never", "late"})
        REQUIRE_THROWS_WITH(parse_settings(bad), Catch::Contains(std::string("'") + bad + "'"));
}

}  // namespace gradus::simt
