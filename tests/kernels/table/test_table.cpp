// Memory, streams, events and empty calls of any backend.
#include "kernels/activation.h"
#include "kernels/cross_entropy.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/layernorm.h"
#include "kernels/linear.h"
#include "kernels/sampling.h"
#include "tests/kernels/entries.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the backend under test has every op") { REQUIRE(missing_entries(tested().device) == ""); }

TEST_CASE("memory of the backend under test is aligned to 64 bytes, and can be zeroed and copied") {
    const Ops& ops = tested().device;
    for (const Configuration& configuration : tested().configurations)
        for (size_t bytes : {size_t(0), size_t(1), size_t(1000), size_t(300007)}) {
            const InConfiguration now(configuration);
            void* memory = ops.allocate(bytes);
            REQUIRE(reinterpret_cast<uintptr_t>(memory) % 64 == 0);
            const std::vector<char> out(bytes, 'o');
            std::vector<char> in(bytes, 'i'), zeros(bytes, 'i');
            ops.copy_to_device(memory, out.data(), bytes, {});
            ops.copy_to_host(in.data(), memory, bytes, {});
            ops.zero(memory, bytes, {});
            ops.copy_to_host(zeros.data(), memory, bytes, {});
            ops.synchronise({});
            REQUIRE(in == out);
            REQUIRE(zeros == std::vector<char>(bytes, 0));
            ops.release(memory, bytes);
        }
}

TEST_CASE("allocate_host returns usable memory, and memory() reports free and total bytes") {
    const Ops& ops = tested().device;
    void* host = ops.allocate_host(1000);
    std::memset(host, 'o', 1000);
    void* memory = ops.allocate(1000);
    ops.copy_to_device(memory, host, 1000, {});
    ops.synchronise({});
    std::memset(host, 'i', 1000);
    ops.copy_to_host(host, memory, 1000, {});
    ops.synchronise({});
    REQUIRE(std::string(static_cast<char*>(host), 1000) == std::string(1000, 'o'));
    ops.release(memory, 1000);
    ops.release_host(host, 1000);
    REQUIRE(ops.memory().total > 0);
    REQUIRE(ops.memory().free <= ops.memory().total);
}

TEST_CASE("an allocation beyond the device's memory is an Error that names the bytes and what to do") {
    const size_t bytes = size_t(1) << 60;
    try {
        tested().device.allocate(bytes);
        FAIL("the allocation did not fail");
    } catch (const Error& e) {
        REQUIRE_THAT(e.what(), Catch::Contains(std::to_string(bytes) + " bytes"));
        REQUIRE_FALSE(e.fix.empty());
    }
}

TEST_CASE("work queued after a wait for an event runs after the event is reached") {
    const Ops& ops = tested().device;
    const int64_t n = tested().slow ? 300 : 5000;
    const size_t bytes = size_t(n) * sizeof(float);
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        const Owned a = random(1, DType::f32, {n}), b = random(2, DType::f32, {n}), y = poisoned(DType::f32, {n}),
                    want = poisoned(DType::f32, {n});
        reference_ops().add({.y = want, .a = a, .b = b}, {});
        const auto on_device = [&] { return Tensor{ops.allocate(bytes), DType::f32, {n}}; };
        const Tensor da = on_device(), db = on_device(), dy = on_device();
        const Stream copies = ops.make_stream(), computes = ops.make_stream();
        const Event arrived = ops.make_timed_event(), computed = ops.make_timed_event();
        ops.copy_to_device(da.data, a.data, bytes, copies);
        ops.copy_to_device(db.data, b.data, bytes, copies);
        ops.record(arrived, copies);
        ops.wait(computes, arrived);
        ops.add({.y = dy, .a = da, .b = db}, computes);
        ops.record(computed, computes);
        ops.wait(copies, computed);
        ops.copy_to_host(y.data, dy.data, bytes, copies);
        ops.synchronise(copies);
        INFO(configuration.name);
        REQUIRE(same_bits(y, want));
        REQUIRE(ops.reached(computed));
        REQUIRE(ops.seconds_between(arrived, computed) >= 0);
        for (const Tensor& t : {da, db, dy}) ops.release(t.data, bytes);
        for (Stream s : {copies, computes}) ops.release_stream(s);
        for (Event e : {arrived, computed}) ops.release_event(e);
    }
}

TEST_CASE("work that was captured on the device runs at every replay, with what is in its memory then") {
    const Ops& ops = tested().device;
    if (!ops.has_graphs()) return;
    constexpr int64_t n = 40;
    for (const Configuration& configuration : tested().configurations) {
        const InConfiguration now(configuration);
        const auto on_device = [&] { return Tensor{ops.allocate(n * sizeof(float)), DType::f32, {n}}; };
        const Tensor x = on_device(), y = on_device();
        const Stream stream = ops.make_stream();
        std::vector<float> host(n);
        const auto upload = [&](float value) {
            host.assign(n, value);
            ops.copy_to_device(x.data, host.data(), x.bytes(), stream);
            ops.synchronise(stream);
        };
        ops.begin_capture(stream);
        ops.zero(y.data, y.bytes(), stream);
        ops.add({.y = y, .a = y, .b = x}, stream);
        ops.add({.y = y, .a = y, .b = x}, stream);
        const Graph graph = ops.end_capture(stream);
        for (const float value : {1.f, 5.f}) {
            upload(value);
            ops.replay(graph, stream);
            ops.copy_to_host(host.data(), y.data, y.bytes(), stream);
            ops.synchronise(stream);
            INFO(configuration.name);
            REQUIRE(host == std::vector<float>(n, 2 * value));
        }
        ops.release_graph(graph);
        ops.release_stream(stream);
        for (const Tensor& t : {x, y}) ops.release(t.data, t.bytes());
    }
}

TEST_CASE("a matmul with a small workspace or none is as correct as with the full workspace") {
    const Ops& ops = tested().device;
    constexpr int64_t N = 33, I = 80, O = 40;
    std::vector<float> x(N * I), w(O * I), got(N * O);
    for (size_t i = 0; i < x.size(); ++i) x[i] = float(i * 7 % 23) - 11;
    for (size_t i = 0; i < w.size(); ++i) w[i] = float(i * 5 % 19) - 9;
    const auto on_device = [&](const std::vector<float>& host, const Shape& shape) {
        const Tensor t = {ops.allocate(host.size() * sizeof(float)), DType::f32, shape};
        ops.copy_to_device(t.data, host.data(), t.bytes(), {});
        return t;
    };
    const Tensor dx = on_device(x, {N, I}), dw = on_device(w, {O, I}), dy = on_device(got, {N, O});
    for (const size_t bytes : {size_t(0), ops.matmul_workspace / 4, ops.matmul_workspace}) {
        const Tensor room =
            bytes ? Tensor{ops.allocate(bytes), DType::f32, {int64_t(bytes / sizeof(float))}} : Tensor{};
        ops.linear_forward({.y = dy, .x = dx, .w = dw}, Stream{}.with(room));
        ops.copy_to_host(got.data(), dy.data, dy.bytes(), {});
        ops.synchronise({});
        if (room) ops.release(room.data, bytes);
        for (int64_t n = 0; n < N; ++n)
            for (int64_t o = 0; o < O; ++o) {
                float want = 0;  // integers: exact in every order
                for (int64_t i = 0; i < I; ++i) want += x[size_t(n * I + i)] * w[size_t(o * I + i)];
                REQUIRE(got[size_t(n * O + o)] == want);
            }
    }
    for (const Tensor& t : {dx, dw, dy}) ops.release(t.data, t.bytes());
}

TEST_CASE("ops without rows do nothing") {
    const Side s = {tested().ops, DType::f32, DType::f32};
    const Owned x = s.in(1, {0, 3}), y = s.out({0, 5}), w = s.in(2, {5, 3}), d_w = s.sum(3, {5, 3}),
                d_b = s.sum(4, {5}), none = s.out({0}), z = s.out({0, 3});
    const Owned gain = s.in(5, {3}), d_gain = s.sum(6, {3}), kept = copy_of(d_w), kept_gain = copy_of(d_gain),
                ids = integers(1, {0}, 0, 1);
    s.ops.linear_forward({.y = y, .x = x, .w = w}, {});
    s.ops.linear_backward_input({.d_x = z, .d_y = y, .w = w}, {});
    s.ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = y, .x = x}, {});
    s.ops.layernorm_forward({.y = z, .mean = none, .rstd = none, .x = x, .gain = gain}, {});
    s.ops.layernorm_backward({.d_x = z, .d_gain = d_gain, .d_y = x, .x = x, .gain = gain, .mean = none, .rstd = none},
                             {});
    s.ops.embedding_backward({.d_wte = d_w, .d_y = x, .tokens = ids}, {});
    s.ops.activation_forward({.y = z, .x = x, .kind = Activation::relu}, {});
    const Owned stats = s.statistic({0, 4}), parts = s.sum(7, {0, 4});
    s.ops.cross_entropy_join({.stats = stats, .parts = parts}, {});
    const Owned none_drawn = integers(1, {0}, 0, 1), streams = integers(1, {0, 2}, 0, 1);
    s.ops.sample({.ids = none_drawn,
                  .log_probs = none,
                  .workspace = poisoned(DType::f32, {0}),
                  .logits = s.out({2, 0, 3}),
                  .streams = streams,
                  .positions = ids,
                  .seed = 1,
                  .V = 5},
                 {});
    REQUIRE(same_bits(d_w, kept));
    REQUIRE(same_bits(d_gain, kept_gain));
    s.ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = y, .x = x, .overwrite = true}, {});
    REQUIRE(same_bits(d_w, filled(d_w.dtype, d_w.shape, 0)));
}
