// The matmul of kernels/cuda/matmul.h with cuBLASLt.
//
// cuBLASLt's matrices are column-major. A row-major [R,C] matrix has the memory layout of its column-major [C,R] transpose. So
// cuBLASLt computes cᵀ = Bᵀ·Aᵀ: b is the first operand, a the second, nothing is copied, and the bias along the rows of cᵀ is a
// bias along the columns of c.
//
// cuBLASLt returns the eight algorithms that it expects to be fastest; host/matmul_choices.h chooses one of them.
#include "kernels/cuda/matmul.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>

#include "kernels/choices.h"
#include "kernels/cuda/host/device.h"
#include "kernels/cuda/host/matmul_choices.h"
#include "kernels/cuda/memory.h"
#include "kernels/ops.h"

namespace gradus::cuda {

namespace {

template <class Handle, cublasStatus_t (*destroy)(Handle)>
struct Destroy {
    void operator()(Handle h) const { destroy(h); }
};
template <class Handle, cublasStatus_t (*destroy)(Handle)>
using Owner = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, destroy>>;
using Operation = Owner<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Owner<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owner<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType type_of(const Tensor& t) {
    CHECK(t.dtype == DType::f32 || t.dtype == DType::bf16, "matmuls are f32 or bf16");
    return t.dtype == DType::f32 ? CUDA_R_32F : CUDA_R_16BF;
}

bool as_tf32(const Matmul& p) { return p.a.dtype == DType::f32 && kernel_choices().tf32; }

Layout layout_of(const Tensor& t) {
    cublasLtMatrixLayout_t layout;
    CUDA_CHECK(cublasLtMatrixLayoutCreate(&layout, type_of(t), uint64_t(t.last()), uint64_t(t.rows()), t.stride()));
    return Layout(layout);
}

// The largest power of two up to 256 that divides the address.
uint32_t alignment_of(const Tensor& t) {
    const auto address = reinterpret_cast<uintptr_t>(t.data);
    uint32_t alignment = 256;
    while (address % alignment) alignment /= 2;
    return alignment;
}

constexpr int most_algorithms = 8;

// Everything about matmuls of one shape that does not change between calls.
struct MatmulPlan {
    Operation operation;
    Layout first, second, result;
    std::array<cublasLtMatmulAlgo_t, most_algorithms> algorithms;  // the first `count`, as cuBLASLt prefers them
    int count = 0;
};

// The algorithm is not supported; others may be.
bool refused(cublasStatus_t s) { return s == CUBLAS_STATUS_NOT_SUPPORTED || s == CUBLAS_STATUS_ARCH_MISMATCH; }

template <class Value>
void set(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what, Value value) {
    CUDA_CHECK(cublasLtMatmulDescSetAttribute(d, what, &value, sizeof value));
}
template <class Value>
void set(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t what, Value value) {
    CUDA_CHECK(cublasLtMatmulPreferenceSetAttribute(p, what, &value, sizeof value));
}

cublasLtEpilogue_t epilogue_of(const Matmul& p) {
    switch (p.end) {
        case MatmulEnd::plain: return p.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
        case MatmulEnd::activate: return p.bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
        case MatmulEnd::derive: return CUBLASLT_EPILOGUE_DGELU;
    }
    return CUBLASLT_EPILOGUE_DEFAULT;
}

// What differs between calls with one plan.
void set_pointers(cublasLtMatmulDesc_t operation, const Matmul& p) {
    if (p.bias) set(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(p.bias.data));
    if (p.end != MatmulEnd::plain) set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, p.pre.data);
}

MatmulPlan find_plan(const Matmul& p, size_t workspace) {
    MatmulPlan plan;
    cublasLtMatmulDesc_t operation;
    CUDA_CHECK(cublasLtMatmulDescCreate(&operation, as_tf32(p) ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                                        CUDA_R_32F));
    plan.operation.reset(operation);
    set(operation, CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(operation, CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(p));
    if (p.bias) set(operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type_of(p.bias));
    if (p.end != MatmulEnd::plain) set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, p.pre.stride());
    set_pointers(operation, p);
    plan.first = layout_of(p.b);
    plan.second = layout_of(p.a);
    plan.result = layout_of(p.c);

    cublasLtMatmulPreference_t preference;
    CUDA_CHECK(cublasLtMatmulPreferenceCreate(&preference));
    const Preference owner(preference);
    set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace);
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.b));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.a));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.c));
    set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.c));
    std::array<cublasLtMatmulHeuristicResult_t, most_algorithms> found;
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        device().matrices, operation, plan.first.get(), plan.second.get(), plan.result.get(), plan.result.get(),
        preference, most_algorithms, found.data(), &count);
    if (!refused(status)) CUDA_CHECK(status);
    for (int i = 0; i < (refused(status) ? 0 : count); ++i)
        if (found[size_t(i)].state == CUBLAS_STATUS_SUCCESS)
            plan.algorithms[size_t(plan.count++)] = found[size_t(i)].algo;
    return plan;
}

MatmulChoices::Shape shape_of(const Matmul& p, size_t workspace) {
    return {p.c.rows(),           p.c.last(),         p.transpose_a ? p.a.rows() : p.a.last(),
            int64_t(p.c.dtype),   int64_t(p.a.dtype), p.transpose_a,
            p.transpose_b,        bool(p.bias),       p.accumulate,
            alignment_of(p.a),    alignment_of(p.b),  alignment_of(p.c),
            alignment_of(p.bias), int64_t(workspace), as_tf32(p),
            int64_t(p.end),       alignment_of(p.pre)};
}

// A plan's layouts contain the strides; the choice of the algorithm depends only on the shape.
MatmulPlan& plan_of(const Matmul& p, const MatmulChoices::Shape& shape, size_t workspace) {
    static std::map<std::pair<MatmulChoices::Shape, std::array<int64_t, 3>>, MatmulPlan> known;
    const std::pair key(shape, std::array{p.a.stride(), p.b.stride(), p.c.stride()});
    const auto found = known.find(key);
    return found != known.end() ? found->second : known.emplace(key, find_plan(p, workspace)).first->second;
}

MatmulChoices& choices() {
    static MatmulChoices of_this_process;
    return of_this_process;
}

// The shortest time of several calls; empty if cuBLASLt refuses the algorithm. The first call, which may load the kernel, is not
// timed.
template <class Queue>
std::optional<double> time(const Queue& queue, Stream stream) {
    constexpr int rounds = 5;
    if (!queue()) return std::nullopt;
    const Event start = make_timed_event(), end = make_timed_event();
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < rounds; ++i) {
        record(start, stream);
        queue();
        record(end, stream);
        synchronise(stream);
        least = std::min(least, seconds_between(start, end));
    }
    for (Event e : {start, end}) release_event(e);
    return least;
}

// Queues the matmul. False, without effect: no algorithm runs.
bool run(const Matmul& p, Stream stream) {
    const MatmulChoices::Shape shape = shape_of(p, stream.workspace_bytes);
    MatmulPlan& plan = plan_of(p, shape, stream.workspace_bytes);
    set_pointers(plan.operation.get(), p);
    const float alpha = p.alpha, beta = p.accumulate ? 1.f : 0.f;
    const auto queue = [&](int i) {
        const cublasStatus_t status =
            cublasLtMatmul(device().matrices, plan.operation.get(), &alpha, p.b.data, plan.first.get(), p.a.data,
                           plan.second.get(), &beta, p.c.data, plan.result.get(), p.c.data, plan.result.get(),
                           &plan.algorithms[size_t(i)], stream.workspace, stream.workspace_bytes, stream_of(stream));
        if (refused(status)) return false;
        check(status, "cublasLtMatmul", __FILE__, __LINE__);
        return true;
    };
    const auto timed = [&](int i) { return time([&] { return queue(i); }, stream); };
    return choices().run(shape, plan.count, queue, timed) >= 0;
}

[[noreturn]] void none_runs(const Matmul& p, int offered) {
    const auto text = [](const Tensor& t, bool transposed) {
        return std::string(name_of(t.dtype)) + " [" + std::to_string(t.rows()) + "," + std::to_string(t.last()) + "]" +
               (transposed ? " transposed" : "");
    };
    throw Error("cuBLASLt cannot compute a matmul of " + text(p.a, p.transpose_a) + " and " + text(p.b, p.transpose_b),
                offered ? "it refuses each of the " + std::to_string(offered) + " algorithms that it offers"
                        : "it offers no algorithm",
                "a newer libcublasLt (ldd gradus | grep cublasLt says which one is found), or in training --set "
                "train.dtype=" +
                    std::string(p.a.dtype == DType::f32 ? "bf16" : "f32"));
}

// Choices are valid only for this: other devices and versions have other algorithms.
std::string device_and_library() { return device().name + ", cuBLASLt " + std::to_string(cublasLtGetVersion()); }

}  // namespace

void library_matmul(const Matmul& p, Stream stream) {
    if (!run(p, stream)) none_runs(p, plan_of(p, shape_of(p, stream.workspace_bytes), stream.workspace_bytes).count);
}

// Before Hopper the fused kernels were slower than two (llm.c, pull requests 338 and 653: it fuses on H100 and later).
bool library_matmul_with_activation(const Matmul& p, Stream stream) {
    constexpr int least_capability = 90, multiple = 8;  // of pre's row stride
    return device().capability >= least_capability && p.activation == Activation::gelu_tanh &&
           p.pre.stride() % multiple == 0 && run(p, stream);
}

size_t matmul_workspace() { return cuda_matmul_workspace; }

const MatmulTuning* matmul_tuning() {
    static const MatmulTuning tuning = {
        .measure = [](bool on) { choices().measure(on); },
        .choices = [] { return choices().text(device_and_library()); },
        .use = [](const std::string& text) { return choices().use(text, device_and_library()); }};
    return &tuning;
}

}  // namespace gradus::cuda
