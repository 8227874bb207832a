// The exchange between ranks of dp beside backward: its stream, its order, and what is captured.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/engine/device/device_model.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// What was queued, in the order of queueing.
struct Queued {
    enum What { backward, reduce_scatter, wait, replay, synchronise } what;
    void* stream;
};
std::vector<Queued> queued;
std::vector<void*> made;  // streams of make_stream()

const Ops& watched_device() {
    static const Ops table = [] {
        Ops ops = tested().device;
        ops.make_stream = [] {
            const Stream s = tested().device.make_stream();
            made.push_back(s.handle);
            return s;
        };
        ops.wait = [](Stream s, Event e) {
            queued.push_back({Queued::wait, s.handle});
            tested().device.wait(s, e);
        };
        ops.synchronise = [](Stream s) {
            queued.push_back({Queued::synchronise, s.handle});
            tested().device.synchronise(s);
        };
        if (ops.has_graphs())
            ops.replay = [](Graph g, Stream s) {
                queued.push_back({Queued::replay, s.handle});
                tested().device.replay(g, s);
            };
        ops.attention_backward = [](const AttentionBackward& a, Stream s) {
            queued.push_back({Queued::backward, s.handle});
            tested().device.attention_backward(a, s);
        };
        return ops;
    }();
    return table;
}

// The first of two ranks; the other one has zeros, so that every sum is this rank's own number.
Mesh beside_zeros() {
    static const CommTable table = {
        .all_reduce_sum = [](void*, Tensor, Stream) {},
        .all_reduce_max = [](void*, Tensor, Stream) {},
        .reduce_scatter_sum =
            [](void*, Tensor part, Tensor whole, Stream s) {
                queued.push_back({Queued::reduce_scatter, s.handle});
                if (part.data != whole.data) tested().device.copy(part.data, whole.data, part.bytes(), s);
            },
        .all_gather = [](void*, Tensor, Tensor, Stream) {},
        .broadcast = [](void*, Tensor, int, Stream) {},
        .send_receive = [](void*, Tensor, int, Tensor, int, Stream) {},
        .barrier = [](void*) {},
        .gather =
            [](void*, const std::string& mine, std::vector<std::string>& all) {
                all = {mine, std::string(mine.size(), '\0')};
            },
        .set_step = [](void*, int64_t) {},
    };
    const Comm two = {.rank = 0, .size = 2, .table = &table};
    return {.world = two, .dp = two};
}

struct OfTwo {
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;

    OfTwo(const ModelConfig& m, const TrainerConfig& c, bool graphs)
        : model(make_language_model(watched_device(), m, DType::f32, {.B = c.micro_batch, .T = c.context},
                                    {.training = true, .parts = 2, .graphs = graphs})),
          trainer((initialise(*model, 11), *model), c, beside_zeros()) {}
    double step(int64_t step) { return trainer.step(step, samples_of(model->config().V)).loss; }
};

TrainerConfig two_micro_batches() {
    TrainerConfig c = trainer_settings(0.1);
    c.batch = 4 * c.micro_batch;
    c.optimizer.sharded = true;
    return c;
}

int64_t count(Queued::What what) {
    return std::count_if(queued.begin(), queued.end(), [&](const Queued& q) { return q.what == what; });
}

}  // namespace

TEST_CASE("the gradients of a bucket are reduced on a made stream while the backward of earlier layers is queued") {
    const ModelConfig m = tiny_gpt2();
    OfTwo t(m, two_micro_batches(), false);
    t.step(0);
    queued.clear();
    t.step(1);
    REQUIRE(count(Queued::reduce_scatter) == m.L + 2);
    REQUIRE(count(Queued::synchronise) == 1);
    const auto is_reduction = [](const Queued& q) { return q.what == Queued::reduce_scatter; };
    const auto first = std::find_if(queued.begin(), queued.end(), is_reduction);
    const auto last = std::find_if(queued.rbegin(), queued.rend(), is_reduction).base();
    // The final norm and the head are reduced first, so the backward of every layer follows.
    REQUIRE(std::count_if(first, last, [](const Queued& q) { return q.what == Queued::backward; }) == m.L);
    for (auto q = first; q != last; ++q)
        if (q->what == Queued::backward) REQUIRE(q->stream == t.model->run.stream.handle);
        else REQUIRE(std::count(made.begin(), made.end(), q->stream) == 1);  // reductions, and their waits
    // The compute stream waits for the reductions once, before the norm; then the host waits.
    REQUIRE(std::count_if(queued.begin(), queued.end(), [&](const Queued& q) {
                return q.what == Queued::wait && q.stream == t.model->run.stream.handle;
            }) == 1);
    REQUIRE(last->what == Queued::wait);
}

TEST_CASE("with several ranks of dp all micro-batches but the last of a step are replayed, with the same bits") {
    if (!tested().device.has_graphs()) return;
    const ModelConfig m = tiny_gpt2();
    OfTwo without(m, two_micro_batches(), false), with(m, two_micro_batches(), true);
    for (int64_t step = 0; step < 4; ++step) {
        const double want = without.step(step);
        queued.clear();
        REQUIRE(with.step(step) == want);
        REQUIRE(count(Queued::replay) == (step == 0 ? 0 : 1));
        REQUIRE(count(Queued::reduce_scatter) == m.L + 2);
    }
    const auto bits = [](const OfTwo& t) { return bytes_of(t.model->run.ops, t.model->parameters.values.flat()); };
    REQUIRE(bits(with) == bits(without));
}
