#pragma once
// Shared by the benchmarks of ops: the shapes of two models, memory for arguments, and how a case is measured. Each
// family of ops has a file of cases: ops_linear.cpp, ops_attention.cpp, ops_elementwise.cpp, ops_loss.cpp,
// ops_optimizer.cpp.
#include <cstring>
#include <utility>

#include "kernels/cuda/host/library.h"
#include "kernels/every_op.h"
#include "kernels/scalar.h"
#include "tools/bench/ops.h"

namespace gradus::op_cases {

struct Shapes {
    const char* model;
    int64_t N, C, F, V;  // rows, width, feed-forward width, vocabulary
    int H, G, D, T;
    int B = 1;            // sequences of attention
    int64_t chunk = 256;  // rows of logits in memory
};
inline constexpr Shapes gpt2 = {"gpt2", 1024, 768, 3072, 50257, 12, 12, 64, 1024};
inline constexpr Shapes llama = {"llama", 512, 2048, 5632, 32000, 32, 4, 64, 512};
// Those of training on a GPU, where the ops are counted and not run: GPT-2 124M with 32 sequences, LLaMA 8B with one.
inline constexpr Shapes gpt2_training = {"gpt2", 32768, 768, 3072, 50257, 12, 12, 64, 1024, 32, 4096};
inline constexpr Shapes llama_training = {"llama", 8192, 4096, 14336, 128256, 32, 8, 128, 8192, 1, 1024};

// Owns the tensors of one benchmark.
class Tensors {
public:
    // !filled: zeros, for ops that are only counted.
    explicit Tensors(const Ops& ops, bool filled = true) : ops_(ops), filled_(filled) {}
    ~Tensors() {
        for (const Tensor& t : all_) ops_.release(t.data, t.bytes());
    }
    Tensors(const Tensors&) = delete;
    Tensors& operator=(const Tensors&) = delete;

    Tensor uniform(DType type, const Shape& shape, double low = -1, double high = 1) {
        if (!filled_) return zeros(type, shape);
        const auto next = [&] {
            state_ = state_ * 1664525u + 1013904223u;
            return float(low + (high - low) * double(state_ >> 8) * 0x1p-24);
        };
        if (type == DType::f32) return filled<float>(shape, [&](int64_t) { return next(); });
        if (type == DType::bf16) return filled<bf16>(shape, [&](int64_t) { return bf16(next()); });
        return filled<double>(shape, [&](int64_t) { return double(next()); });
    }
    // A value in device memory.
    template <class Value>
    const Value* value(const Value& v) {
        constexpr auto words = int64_t(sizeof(Value) / sizeof(double));
        double host[words];
        std::memcpy(host, &v, sizeof v);
        return filled<double>({words}, [&](int64_t i) { return host[i]; }).template as<Value>();
    }
    template <class Number>
    Tensor integers(const Shape& shape, Number number) {
        return filled<int32_t>(shape, [&](int64_t i) { return int32_t(number(i)); });
    }
    Tensor random_ids(int64_t n, int64_t limit) {
        return integers({n}, [&](int64_t) { return random_id(limit); });
    }
    // Ids, and the order of their rows that training sorts on the host.
    std::pair<Tensor, Tensor> sorted_ids(int64_t n, int64_t limit) {
        std::vector<int32_t> ids(static_cast<size_t>(n)), order(static_cast<size_t>(n));
        for (int32_t& id : ids) id = random_id(limit);
        sorted_rows(order.data(), ids.data(), n);
        return {integers({n}, [&](int64_t i) { return ids[size_t(i)]; }),
                integers({n}, [&](int64_t i) { return order[size_t(i)]; })};
    }

private:
    const Ops& ops_;
    bool filled_;
    uint32_t state_ = 1;
    std::vector<Tensor> all_;

    int32_t random_id(int64_t limit) {
        return int32_t((state_ = state_ * 1664525u + 1013904223u) / 4294967296.0 * double(limit));
    }

    Tensor zeros(DType type, const Shape& shape) {
        Tensor t{nullptr, type, shape};
        t.data = ops_.allocate(t.bytes());
        all_.push_back(t);
        ops_.zero(t.data, t.bytes(), {});
        ops_.synchronise({});
        return t;
    }

    template <class Scalar, class Value>
    Tensor filled(const Shape& shape, Value&& value) {
        Tensor t{nullptr, dtype_of<Scalar>(), shape};
        std::vector<Scalar> host(size_t(t.size()));
        for (int64_t i = 0; i < t.size(); ++i) host[size_t(i)] = value(i);
        t.data = ops_.allocate(t.bytes());
        all_.push_back(t);
        ops_.copy_to_device(t.data, host.data(), t.bytes(), {});
        ops_.synchronise({});
        return t;
    }
};

// Measures the selected cases in one dtype.
struct Bench {
    const BenchOpsOptions& options;
    const Ops& ops;
    const std::function<void(const OpBenchmark&)>& measure;
    DType dtype;
    Stream stream;  // with a matmul workspace

    bool wanted(const std::string& op) const { return op.find(options.filter) != std::string::npos; }

    // build(tensors) returns the op's arguments.
    // of_library: the same op by a library, if there is one.
    template <class Args, class Build>
    void op(const std::string& name, const std::string& shape, Op<Args> run, Build&& build,
            Op<Args> of_library = nullptr) const {
        if (!wanted(name)) return;
        Tensors tensors(ops, !options.count);
        const Args args = build(tensors);
        OpBenchmark b = {name, shape, dtype, cost(args), [&] { run(args, stream); }};
        if (of_library) b.library = [&] { of_library(args, stream); };
        measure(b);
    }
    // Ops of cuDNN, which are bf16; null entries where there is none.
    const Ops& cudnn() const {
        static const Ops none = {};
        return options.device == "cuda" && dtype == DType::bf16 ? cuda_libraries() : none;
    }
};

std::string text(const Shapes& s, std::initializer_list<int64_t> dims);

void bench_linears(const Bench&, const Shapes&);
void bench_attention(const Bench&, const Shapes&);
void bench_elementwise(const Bench&, const Shapes&);
void bench_loss(const Bench&, const Shapes&);
void bench_optimizer(const Bench&, const Shapes&);

}  // namespace gradus::op_cases
