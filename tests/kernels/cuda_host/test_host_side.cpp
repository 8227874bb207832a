// The host code of the CUDA backend (kernels/cuda/host) on a fake CUDA: its calls of the runtime and of cuBLASLt.
#include <catch2/catch.hpp>

#include <new>
#include <vector>

#include "kernels/choices.h"
#include "kernels/cuda/host/device.h"
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/memory.h"
#include "tests/kernels/cuda_host/fake/fake_cuda.h"

using namespace gradus;
using gradus::test::fake;
using gradus::test::FakeCuda;

namespace {

FakeCuda& begin() {
    cuda::open_device(0);
    return fake() = {};
}

// Aligned as in arenas, because the choice of an algorithm depends on the alignment.
template <class T>
struct Aligned {
    using value_type = T;
    static constexpr std::align_val_t alignment{256};
    static T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), alignment)); }
    static void deallocate(T* p, size_t) { ::operator delete(p, alignment); }
    bool operator==(const Aligned&) const { return true; }
};

struct Matrix {
    Matrix(int64_t rows, int64_t columns) : shape{rows, columns}, values(size_t(rows * columns)) {
        for (size_t i = 0; i < values.size(); ++i) values[i] = float(i * 7 % 23) - 11;  // whole: exact in any order
    }
    operator Tensor() { return {values.data(), DType::f32, shape}; }
    float at(bool transposed, int64_t i, int64_t j) const {
        return values[size_t(transposed ? j * shape.dim[1] + i : i * shape.dim[1] + j)];
    }
    Shape shape;
    std::vector<float, Aligned<float>> values;
};

// A shape that no other test uses, because a shape's algorithm is chosen once per process.
int64_t fresh() {
    static int64_t last = 3;
    return ++last;
}

// Runs a small matmul with this number of columns.
void run_matmul(int64_t columns) {
    Matrix a(2, columns), b(columns, 3), c(2, 3);
    cuda::library_matmul({.c = c, .a = a, .b = b}, {});
}

}  // namespace

TEST_CASE("work without a stream goes to a stream of the lowest priority, never to CUDA's default stream") {
    FakeCuda& cuda = begin();
    const Stream compute = cuda::compute_stream();
    REQUIRE(compute.handle != nullptr);
    REQUIRE(cuda::stream_of({}) == compute.handle);
    REQUIRE(gradus::test::priority_of(cuda::stream_of(compute)) == cuda.least_priority);
    int there = 1, here = 0;
    cuda::zero(&there, sizeof there, {});
    cuda::copy_to_host(&here, &there, sizeof here, {});
    run_matmul(fresh());
    REQUIRE(cuda.used == std::vector<cudaStream_t>(3, cuda::stream_of(compute)));
}

TEST_CASE("created streams have the highest priority and do not wait for the default stream") {
    FakeCuda& cuda = begin();
    const Stream s = cuda::make_stream();
    REQUIRE(cuda.priority == cuda.greatest_priority);
    REQUIRE(cuda.stream_flags == cudaStreamNonBlocking);
    cuda::release_stream(s);
}

TEST_CASE("events have timing disabled unless they are timed events") {
    FakeCuda& cuda = begin();
    const Event order = cuda::make_event();
    REQUIRE(cuda.event_flags == cudaEventDisableTiming);
    const Event start = cuda::make_timed_event(), end = cuda::make_timed_event();
    REQUIRE(cuda.event_flags == 0);
    cuda::record(start, {});
    cuda.clock += 1500;
    cuda::record(end, {});
    REQUIRE(cuda::seconds_between(start, end) == 1.5);
    REQUIRE_THROWS_AS(cuda::seconds_between(order, end), Error);
    for (Event e : {order, start, end}) cuda::release_event(e);
}

TEST_CASE("a row-major matmul with bias and accumulation is computed by column-major cuBLASLt") {
    begin();
    constexpr int64_t M = 3, N = 5, K = 4;
    for (const bool transpose_a : {false, true})
        for (const bool transpose_b : {false, true})
            for (const bool accumulate : {false, true}) {
                CAPTURE(transpose_a, transpose_b, accumulate);
                Matrix a(transpose_a ? K : M, transpose_a ? M : K), b(transpose_b ? N : K, transpose_b ? K : N),
                    c(M, N), bias(1, N);
                const Matrix before = c;
                cuda::library_matmul({.c = c,
                                      .a = a,
                                      .b = b,
                                      .transpose_a = transpose_a,
                                      .transpose_b = transpose_b,
                                      .bias = accumulate ? Tensor{} : Tensor(bias),
                                      .accumulate = accumulate,
                                      .alpha = 2},
                                     {});
                for (int64_t m = 0; m < M; ++m)
                    for (int64_t n = 0; n < N; ++n) {
                        float want = accumulate ? before.at(false, m, n) : bias.at(false, 0, n);
                        for (int64_t k = 0; k < K; ++k) want += 2 * a.at(transpose_a, m, k) * b.at(transpose_b, k, n);
                        REQUIRE(c.at(false, m, n) == want);
                    }
            }
}

TEST_CASE("the heuristic is called once per shape for several algorithms, and the first that is not refused is used") {
    for (const cublasStatus_t refusal : {CUBLAS_STATUS_NOT_SUPPORTED, CUBLAS_STATUS_ARCH_MISMATCH}) {
        FakeCuda& cuda = begin();
        cuda.warns = {0};
        cuda.rejects = {1, 2};
        cuda.refusal = refusal;
        const int64_t columns = fresh();
        run_matmul(columns);
        REQUIRE(cuda.asked_for == 8);
        cuda.asked_for = 0;
        run_matmul(columns);
        REQUIRE(cuda.asked_for == 0);
        REQUIRE(cuda.ran == std::vector{3, 3});
        REQUIRE(cuda.clock == 2 * cuda.milliseconds[3]);
    }
}

namespace {

// A matmul with GELU or its derivative at its end, with rows of pre 8 elements apart. The fake doubles instead of GELU, and
// multiplies by pre instead of the derivative.
struct Activated {
    explicit Activated(cuda::MatmulEnd end, int64_t K, bool biased = true)
        : a(2, K), b(K, 8), c(2, 8), pre(2, 8), bias(1, 8), before(pre) {
        p = {.c = c, .a = a, .b = b, .end = end, .pre = pre};
        if (biased) p.bias = bias;
    }
    float product(int64_t m, int64_t n) const {
        float sum = p.bias ? bias.at(false, 0, n) : 0;
        for (int64_t k = 0; k < a.shape.dim[1]; ++k) sum += a.at(false, m, k) * b.at(false, k, n);
        return sum;
    }
    Matrix a, b, c, pre, bias, before;
    cuda::Matmul p;
};

}  // namespace

TEST_CASE("GELU at the end of a matmul is an epilogue that also writes its argument, with and without a bias") {
    for (const bool biased : {false, true}) {
        FakeCuda& cuda = begin();
        Activated x(cuda::MatmulEnd::activate, fresh(), biased);
        REQUIRE(cuda::library_matmul_with_activation(x.p, {}));
        REQUIRE(cuda.epilogue == (biased ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX));
        for (int64_t m = 0; m < 2; ++m)
            for (int64_t n = 0; n < 8; ++n) {
                REQUIRE(x.pre.at(false, m, n) == x.product(m, n));
                REQUIRE(x.c.at(false, m, n) == 2 * x.product(m, n));
            }
    }
}

TEST_CASE("the derivative of GELU at the end of a matmul is an epilogue that only reads its argument") {
    FakeCuda& cuda = begin();
    Activated x(cuda::MatmulEnd::derive, fresh(), false);
    REQUIRE(cuda::library_matmul_with_activation(x.p, {}));
    REQUIRE(cuda.epilogue == CUBLASLT_EPILOGUE_DGELU);
    REQUIRE(x.pre.values == x.before.values);
    for (int64_t m = 0; m < 2; ++m)
        for (int64_t n = 0; n < 8; ++n) REQUIRE(x.c.at(false, m, n) == x.product(m, n) * x.pre.at(false, m, n));
}

TEST_CASE("a matmul with an activation has algorithms of its own, which are measured and saved as others are") {
    FakeCuda& cuda = begin();
    cuda.milliseconds = {5, 4, 1, 3, 9, 2, 9, 9};
    Activated x(cuda::MatmulEnd::activate, fresh());
    cuda::library_matmul(cuda::Matmul{.c = x.c, .a = x.a, .b = x.b, .bias = x.bias}, {});
    cuda.asked_for = 0;
    cuda::matmul_tuning()->measure(true);
    REQUIRE(cuda::library_matmul_with_activation(x.p, {}));
    cuda::matmul_tuning()->measure(false);
    REQUIRE(cuda.asked_for == 8);
    REQUIRE(cuda.ran.back() == 2);
    Matrix other_pre(2, 8);
    x.p.pre = other_pre;
    cuda.asked_for = 0;
    REQUIRE(cuda::library_matmul_with_activation(x.p, {}));
    REQUIRE(cuda.asked_for == 0);
    REQUIRE(other_pre.values == x.pre.values);
}

TEST_CASE("an activation that cuBLASLt lacks or refuses is left to another op, without effect") {
    FakeCuda& cuda = begin();
    const auto refused = [&](auto change) {
        Activated x(cuda::MatmulEnd::activate, fresh());
        change(x);
        REQUIRE_FALSE(cuda::library_matmul_with_activation(x.p, {}));
        REQUIRE(cuda.ran.empty());
        REQUIRE(x.pre.values == x.before.values);
    };
    refused([](Activated& x) { x.p.activation = Activation::gelu_erf; });
    refused([](Activated& x) { x.p.pre.row_stride = 9; });
    refused([&](Activated&) { cuda.activates = false; });
}

TEST_CASE("f32 is multiplied as TF32 only if that is chosen, with an algorithm of its own") {
    FakeCuda& cuda = begin();
    const int64_t columns = fresh();
    run_matmul(columns);
    REQUIRE(cuda.compute == CUBLAS_COMPUTE_32F);
    kernel_choices().tf32 = true;
    cuda.asked_for = 0;
    run_matmul(columns);
    kernel_choices().tf32 = false;
    REQUIRE(cuda.compute == CUBLAS_COMPUTE_32F_FAST_TF32);
    REQUIRE(cuda.asked_for == 8);
}

TEST_CASE("a measured matmul times each algorithm on its stream, and the fastest is used from then on") {
    FakeCuda& cuda = begin();
    cuda.milliseconds = {5, 4, 1, 3, 9, 2, 9, 9};
    cuda.rejects = {2};
    const int64_t columns = fresh();
    cuda::matmul_tuning()->measure(true);
    run_matmul(columns);
    cuda::matmul_tuning()->measure(false);
    REQUIRE(cuda.ran.back() == 5);
    cuda.ran.clear();
    run_matmul(columns);
    REQUIRE(cuda.ran == std::vector{5});
}

TEST_CASE("saved choices name their device and library, and are not used with another") {
    FakeCuda& cuda = begin();
    run_matmul(fresh());
    const std::string text = cuda::matmul_tuning()->choices();
    REQUIRE_THAT(text, Catch::StartsWith("a fake GPU, cuBLASLt 130100\n"));
    REQUIRE(cuda::matmul_tuning()->use(text));
    cuda.version = 130200;
    REQUIRE_FALSE(cuda::matmul_tuning()->use(text));
}

TEST_CASE("a matmul that no algorithm computes is an Error that names it, and what to do") {
    const auto message = [](const char* cause) {
        try {
            run_matmul(fresh());
            FAIL("nothing computed it");
        } catch (const Error& e) {
            REQUIRE_THAT(e.text(), Catch::Contains("cuBLASLt cannot compute a matmul of f32 [2,"));
            REQUIRE_THAT(e.cause, Catch::Contains(cause));
            REQUIRE_THAT(e.fix, Catch::Contains("train.dtype=bf16"));
        }
    };
    begin().offers = 0;
    message("it offers no algorithm");
    begin().heuristics = CUBLAS_STATUS_NOT_SUPPORTED;
    message("it offers no algorithm");
    begin().rejects = {0, 1, 2, 3, 4, 5, 6, 7};
    message("it refuses each of the 8 algorithms");
}

TEST_CASE("an algorithm that fails is an Error, and no other is tried") {
    FakeCuda& cuda = begin();
    cuda.rejects = {0};
    cuda.refusal = CUBLAS_STATUS_EXECUTION_FAILED;
    REQUIRE_THROWS_WITH(run_matmul(fresh()), Catch::Contains("cuBLASLt failed"));
    REQUIRE(cuda.ran.empty());
}

TEST_CASE("a captured stream runs nothing until its graph is replayed, and the graph of the capture is destroyed") {
    FakeCuda& cuda = begin();
    const Stream s = cuda::compute_stream();
    const int64_t columns = fresh();
    Matrix a(2, columns), b(columns, 3), c(2, 3);
    run_matmul(columns);  // finds its algorithm
    const auto before = c.values;
    cuda.ran.clear();
    cuda::begin_capture(s);
    REQUIRE(cuda.capture_mode == cudaStreamCaptureModeThreadLocal);
    cuda::zero(c.values.data(), c.values.size() * sizeof(float), {});
    cuda::library_matmul({.c = c, .a = a, .b = b, .accumulate = true}, s);
    const Graph graph = cuda::end_capture(s);
    REQUIRE(cuda.ran.empty());
    REQUIRE(c.values == before);
    REQUIRE(cuda.graphs == 0);
    cuda::replay(graph, s);
    const auto once = c.values;
    REQUIRE(once != before);
    cuda::replay(graph, s);
    REQUIRE(c.values == once);
    REQUIRE(cuda.ran.size() == 2);
    cuda::release_graph(graph);
    REQUIRE(cuda.executables == 0);
}

TEST_CASE("a capture that CUDA refuses is an Error, and the stream can be used again") {
    FakeCuda& cuda = begin();
    const Stream s = cuda::compute_stream();
    cuda::begin_capture(s);
    REQUIRE_THROWS_AS(cuda::synchronise(s), Error);
    REQUIRE_THROWS_AS(cuda::end_capture(s), Error);
    cuda::begin_capture(s);
    REQUIRE_THROWS_AS(cuda::allocate(8), Error);
    REQUIRE_THROWS_AS(cuda::end_capture(s), Error);
    cuda.instantiation = cudaErrorMemoryAllocation;
    cuda::begin_capture(s);
    REQUIRE_THROWS_AS(cuda::end_capture(s), Error);
    REQUIRE(cuda.graphs == 0);
    cuda::synchronise(s);
    run_matmul(fresh());
    REQUIRE(cuda.ran.size() == 1);
}
