// Invariants: the result does not depend on micro-batches, recomputation or packing.
#include <catch2/catch.hpp>

#include <set>

#include "kernels/dropout.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int context = 9;

// A data set of random sequences: sample i is a function of i.
NextBatch samples_of(int V) {
    return [V](int64_t first, HostBatch& batch) {
        for (int b = 0; b < batch.B; ++b) {
            const HostBatch one = packed_batch(1, batch.T, V, unsigned(100 + first + b));
            const size_t at = size_t(b) * size_t(batch.T);
            std::copy(one.tokens.begin(), one.tokens.end(), batch.tokens.begin() + long(at));
            std::copy(one.targets.begin(), one.targets.end(), batch.targets.begin() + long(at));
            std::copy(one.positions.begin(), one.positions.end(), batch.positions.begin() + long(at));
            std::copy(one.first_key.begin(), one.first_key.end(), batch.first_key.begin() + long(at));
        }
    };
}

struct Training {
    std::unique_ptr<LanguageModel> model;
    Trainer trainer;

    Training(const Ops& ops, const ModelConfig& m, DType dtype, const TrainerConfig& c, bool recompute = false)
        : model(make_language_model(ops, m, dtype, {.B = c.micro_batch, .T = c.context},
                                    {.training = true, .recompute = recompute})),
          trainer((initialise(*model, 11), *model), c) {}

    std::vector<double> losses(int steps, const NextBatch& next) {
        std::vector<double> all;
        for (int i = 0; i < steps; ++i) all.push_back(trainer.step(i, next).loss);
        return all;
    }
};

TrainerConfig settings(int batch, int micro_batch, double dropout = 0) {
    TrainerConfig c;
    c.batch = batch;
    c.micro_batch = micro_batch;
    c.context = context;
    c.dropout = dropout;
    c.schedule = {Decay::constant, 1e-2, 0, 0, 1000, 0};
    return c;
}

// The keys of the dropout calls, in order.
thread_local std::vector<uint64_t> keys_drawn;

const Ops& noting_keys() {
    static const Ops table = [] {
        Ops ops = reference_ops();
        ops.dropout = [](const Dropout& a, Stream s) {
            keys_drawn.push_back(*a.key);
            reference_ops().dropout(a, s);
        };
        ops.add_dropout = [](const AddDropout& a, Stream s) {
            keys_drawn.push_back(*a.key);
            reference_ops().add_dropout(a, s);
        };
        return ops;
    }();
    return table;
}

}  // namespace

TEST_CASE(
    "every branch of every layer and the embedding have their own dropout key in every step, and backward uses the "
    "same") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        Training t(noting_keys(), m, DType::f64, settings(2, 2, 0.2));
        std::set<uint64_t> all;
        for (int64_t step : {0, 1}) {
            keys_drawn.clear();
            t.trainer.step(step, samples_of(m.V));
            const size_t masks = size_t(2 * m.L + 1);
            REQUIRE(keys_drawn.size() == 2 * masks);
            const std::vector<uint64_t> backward(keys_drawn.rbegin(), keys_drawn.rbegin() + int64_t(masks));
            REQUIRE(std::vector<uint64_t>(keys_drawn.begin(), keys_drawn.begin() + int64_t(masks)) == backward);
            all.insert(backward.begin(), backward.end());
        }
        REQUIRE(all.size() == size_t(2 * (2 * m.L + 1)));
    }
}

TEST_CASE("a batch in micro-batches trains like the batch at once, with dropout") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        Training whole(reference_ops(), m, DType::f64, settings(6, 6, 0.2));
        Training parts(reference_ops(), m, DType::f64, settings(6, 2, 0.2));
        const auto a = whole.losses(5, samples_of(m.V)), b = parts.losses(5, samples_of(m.V));
        REQUIRE(worst_difference(a, b) <= 1e-12);
        REQUIRE(std::abs(a[0] - a[4]) > 1e-4);
    }
}

TEST_CASE("recomputation gives the same bits as stored activations") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        Training kept(reference_ops(), m, DType::f32, settings(4, 2, 0.1));
        Training again(reference_ops(), m, DType::f32, settings(4, 2, 0.1), true);
        REQUIRE(kept.losses(4, samples_of(m.V)) == again.losses(4, samples_of(m.V)));
        REQUIRE(again.model->activations.bytes() < kept.model->activations.bytes());
    }
}

TEST_CASE("documents packed into one row have the same losses as alone") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        const HostBatch packed = packed_batch(1, context, m.V, 42);
        Bench together(reference_ops(), m, DType::f64, {.B = 1, .T = context});
        scramble<double>(*together.model);
        together.upload(packed);
        together.model->loss(together.batch, together.losses, {});
        const auto all = values<double>(together.losses);

        int documents = 0;
        for (int start = 0, end; start < context; start = end, ++documents) {
            for (end = start + 1; end < context && packed.first_key[size_t(end)] == start; ++end) {}
            Bench alone(reference_ops(), m, DType::f64, {.B = 1, .T = end - start});
            scramble<double>(*alone.model);
            HostBatch one(1, end - start);
            std::copy(packed.tokens.begin() + start, packed.tokens.begin() + end, one.tokens.begin());
            std::copy(packed.targets.begin() + start, packed.targets.begin() + end, one.targets.begin());
            alone.upload(one);
            alone.model->loss(alone.batch, alone.losses, {});
            const std::vector<double> part(all.begin() + start, all.begin() + end);
            REQUIRE(worst_difference(values<double>(alone.losses), part) <= 1e-12);
        }
        REQUIRE(documents >= 2);
    }
}

TEST_CASE("a head that processes its rows in chunks has the same losses") {
    ModelConfig m = tiny_gpt2();
    m.V = 300000;  // 64 MiB are 55 rows of this vocabulary
    m.L = 1;
    const int B = 8, T = 10;
    const HostBatch host = packed_batch(B, T, m.V);
    Bench bench(reference_ops(), m, DType::f32, {.B = B, .T = T});
    REQUIRE(HeadScratch::chunk_rows(bench.model->run) < B * T);
    initialise(*bench.model, 3);
    bench.upload(host);
    bench.model->loss(bench.batch, bench.losses, {});
    for (int64_t n = 0; n < bench.losses.size(); ++n) {
        const float loss = bench.losses.as<float>()[n];
        if (host.targets[size_t(n)] < 0) REQUIRE(loss == 0.0f);
        else REQUIRE(std::abs(loss - std::log(300000.0f)) <= 0.5f);
    }
}

TEST_CASE("Ops::logit_rows sets the head's chunk size, and the loss stays the same") {
    static Ops ops = reference_ops();
    const ModelConfig m = tiny_gpt2();
    const int B = 4, T = 10;
    const HostBatch host = packed_batch(B, T, m.V);
    std::vector<std::vector<double>> losses;
    for (const auto& [wanted, rows] : {std::pair<int64_t, int>{0, 40}, {4096, 40}, {20, 20}, {7, 7}, {39, 20}}) {
        ops.logit_rows = wanted;
        Bench bench(ops, m, DType::f64, {.B = B, .T = T}, {.training = true});
        REQUIRE(HeadScratch::chunk_rows(bench.model->run) == rows);
        initialise(*bench.model, 3);
        bench.upload(host);
        bench.model->step.upload({}, {});
        bench.model->loss_and_backward(bench.batch, bench.losses);
        losses.push_back(read(ops, bench.losses));
        REQUIRE(losses.back() == losses.front());
    }
}

TEST_CASE("a backward pass before the values of a step were uploaded is an internal error, not gradients of zero") {
    const ModelConfig m = tiny_gpt2();
    Bench bench(reference_ops(), m, DType::f64, {.B = 2, .T = context}, {.training = true});
    scramble<double>(*bench.model);
    bench.upload(packed_batch(2, context, m.V));
    try {
        bench.model->loss_and_backward(bench.batch, bench.losses);
        FAIL("nothing was refused");
    } catch (const InternalError& e) {
        REQUIRE(std::string(e.what()).find("step.upload() comes before") != std::string::npos);
    }
    bench.model->step.upload({}, {});
    bench.model->loss_and_backward(bench.batch, bench.losses);
    const std::vector<double> gradients = values<double>(bench.model->parameters.grads.flat());
    REQUIRE(std::any_of(gradients.begin(), gradients.end(), [](double g) { return g != 0; }));
}

TEST_CASE("a trainer without a batch, a micro-batch or a context is an internal error") {
    Bench bench(reference_ops(), tiny_gpt2(), DType::f32, {.B = 2, .T = context}, {.training = true});
    for (int TrainerConfig::*size : {&TrainerConfig::batch, &TrainerConfig::micro_batch, &TrainerConfig::context}) {
        TrainerConfig c = settings(2, 2);
        c.*size = 0;
        REQUIRE_THROWS_AS(Trainer(*bench.model, c), InternalError);
    }
}

TEST_CASE("a tiny model memorises one batch") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        const HostBatch fixed = packed_batch(4, context, m.V, 5);
        HostBatch learnable = fixed;  // targets that depend only on their token can be learnt perfectly
        for (size_t i = 0; i < learnable.targets.size(); ++i)
            learnable.targets[i] = (learnable.tokens[i] * 5 + 1) % m.V;
        Training t(reference_ops(), m, DType::f32, settings(4, 4));
        const auto losses = t.losses(150, [&](int64_t, HostBatch& b) { b = learnable; });
        REQUIRE(std::abs(losses.front() - std::log(double(m.V))) <= 0.2);
        REQUIRE(losses.back() <= 0.1);
    }
}

TEST_CASE("validation counts every target once, for any batch size") {
    const ModelConfig m = tiny_llama();
    const std::vector<int32_t> bytes(size_t(m.V), 3);
    auto result = [&](int B) {
        Bench bench(reference_ops(), m, DType::f64, {.B = B, .T = context});
        scramble<double>(*bench.model);
        return validate_loss(*bench.model, 5, samples_of(m.V), bytes);
    };
    const ValidationResult one = result(1), four = result(4);
    REQUIRE(one.targets == four.targets);
    REQUIRE(std::abs(one.nats - four.nats) <= 1e-10);
    REQUIRE(one.bytes == 3.0 * double(one.targets));
    REQUIRE(std::abs(one.bits_per_byte() - one.loss() / std::log(2.0) / 3) <= 1e-12);
}

TEST_CASE("validation is plain cross-entropy, without the other terms of the training loss") {
    const ModelConfig m = tiny_gpt2();
    const std::vector<int32_t> bytes(size_t(m.V), 1);
    auto result = [&](const LossConfig& loss) {
        Bench bench(reference_ops(), m, DType::f64, {.B = 2, .T = context}, {.training = true});
        scramble<double>(*bench.model);
        TrainerConfig c = settings(2, 2);
        c.loss = loss;
        c.schedule.lr = 0;  // keeps the weights
        Trainer(*bench.model, c).step(0, samples_of(m.V));
        return validate_loss(*bench.model, 4, samples_of(m.V), bytes);
    };
    const ValidationResult plain = result({}), smoothed = result({0.3, 0.1});
    REQUIRE(plain.nats > 0);
    REQUIRE(smoothed.nats == plain.nats);
    REQUIRE(smoothed.targets == plain.targets);
}

TEST_CASE("a validation that is stopped reports that it is incomplete") {
    const ModelConfig m = tiny_gpt2();
    Bench bench(reference_ops(), m, DType::f32, {.B = 1, .T = context});
    int asked = 0;
    const ValidationResult v = validate_loss(*bench.model, 5, samples_of(m.V), std::vector<int32_t>(size_t(m.V), 1),
                                             [&] { return ++asked == 3; });
    REQUIRE_FALSE(v.complete);
    REQUIRE(asked == 3);
    REQUIRE(v.targets > 0);
}

TEST_CASE("with Muon there are second moments only for the weights that AdamW updates") {
    TrainerConfig c = settings(4, 4);
    c.optimizer.kind = OptimizerKind::muon;
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()})
        for (DType dtype : {DType::f32, DType::bf16}) {
            Training t(cpu_ops(), m, dtype, c);
            t.losses(3, samples_of(m.V));
            Optimizer& optimizer = t.trainer.optimizer();
            size_t matrices = 0, state = 0;
            for (size_t i = 0; i < t.model->weights().size(); ++i) {
                const Weight& w = t.model->weights()[i];
                using State = Optimizer::State;
                const Tensor m_of = optimizer.read(State::m).of(i), v_of = optimizer.read(State::v).of(i),
                             master = optimizer.read(State::master).of(i);
                const bool of_muon = w.name.rfind("block.", 0) == 0 && w.spec.decayed();
                matrices += of_muon;
                INFO(w.name);
                REQUIRE(bool(v_of) == !of_muon);
                REQUIRE(bool(master) == (dtype == DType::bf16));
                REQUIRE(m_of.shape == w.spec.shape);
                bool moved = false;
                for (int64_t j = 0; v_of && j < v_of.size(); ++j) moved = moved || v_of.as<float>()[j] > 0;
                REQUIRE(moved == bool(v_of));
                state += m_of.bytes() + v_of.bytes() * bool(v_of) + master.bytes() * bool(master);
            }
            REQUIRE(matrices == 4 * size_t(m.L));
            REQUIRE(optimizer.bytes() > state);  // with the workspace
        }
}

TEST_CASE("sizes that overflow are an Error that names the tensor") {
    for (const Shape& shape : {Shape{int64_t(1) << 62}, Shape{int64_t(1) << 40, int64_t(1) << 40},
                               Shape{int64_t(1) << 31, int64_t(1) << 31, 3}}) {
        Arena arena(reference_ops(), "activations");
        Tensor small, large;
        arena.declare("small", small, {3}, DType::f32);
        arena.declare("stream.0", large, shape, DType::f32);
        try {
            arena.allocate();
            FAIL("allocated");
        } catch (const Error& e) {
            REQUIRE(std::string(e.what()).find("activations") != std::string::npos);
            REQUIRE(e.cause.find("'stream.0'") != std::string::npos);
        }
    }
}

TEST_CASE(
    "A step does not depend on what the gradients were before it: linears overwrite theirs, and others are zeroed") {
    for (const Ops* ops : {&cpu_ops(), &reference_ops()})
        for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()})
            for (const int micro_batch : {2, 4}) {
                CAPTURE(ops->name, m.family, micro_batch);
                Training clean(*ops, m, DType::f32, settings(4, micro_batch)),
                    dirty(*ops, m, DType::f32, settings(4, micro_batch));
                const NextBatch next = samples_of(m.V);
                for (int i = 0; i < 3; ++i) {
                    for (const Weight& w : dirty.model->weights())
                        for (int64_t k = 0; k < w.grad.size(); ++k) w.grad.as<float>()[k] = NAN;
                    const StepResult one = clean.trainer.step(i, next), other = dirty.trainer.step(i, next);
                    REQUIRE(one.loss == other.loss);
                    REQUIRE(one.grad_norm == other.grad_norm);
                }
            }
}
