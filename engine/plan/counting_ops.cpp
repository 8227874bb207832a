#include "engine/plan/counting_ops.h"

#include <algorithm>
#include <cstring>

#include "kernels/check.h"
#include "kernels/cpu_scratch.h"
#include "kernels/every_op.h"
#include "kernels/immediate.h"

namespace gradus {

namespace {

thread_local Counted* current_counted = nullptr;
thread_local uintptr_t next_address = 0;

// Ops of negligible work have no overload of Cost.
template <class Args>
Cost cost_or_nothing(const Args& a) {
    if constexpr (requires { cost(a); }) return cost(a);
    else return {};
}

template <class Args, Work work>
void count(const Args& a, Stream) {
    if (!current_counted) return;
    const Cost c = cost_or_nothing(a);
    current_counted->work[size_t(work)] += {1, c.flops, c.bytes};
}

template <class Args>
void count_matmul(const Args& a, int64_t M, int64_t N, int64_t K) {
    if (!current_counted) return;
    const Cost c = cost(a);
    current_counted->work[size_t(Work::matmul)] += {1, c.flops, c.bytes};
    current_counted->matmuls[{M, N, K}] += {1, c.flops, c.bytes};
}
void count_forward(const LinearForward& a, Stream) { count_matmul(a, a.x.rows(), a.y.last(), a.x.last()); }
void count_input(const LinearBackwardInput& a, Stream) { count_matmul(a, a.d_y.rows(), a.d_x.last(), a.d_y.last()); }
void count_weight(const LinearBackwardWeight& a, Stream) { count_matmul(a, a.d_y.last(), a.x.last(), a.x.rows()); }

// Counted as the two ops, which a backend may compute as one.
void count_activation_forward(const LinearActivationForward& a, Stream s) {
    count_forward({.y = a.pre, .x = a.x, .w = a.w, .b = a.b}, s);
    count<ActivationForward, Work::rows>({.y = a.y, .x = a.pre, .kind = a.kind}, s);
}
void count_activation_backward(const LinearActivationBackward& a, Stream s) {
    count_input({.d_x = a.d_pre, .d_y = a.d_y, .w = a.w}, s);
    count<ActivationBackward, Work::rows>({.d_x = a.d_pre, .d_y = a.d_pre, .x = a.pre, .kind = a.kind}, s);
}

template <class Args>
void count_attention(const Args& a, Stream s) {
    count<Args, Work::attention>(a, s);
    if (current_counted) current_counted->head_width = a.D;
}

// Host memory is really allocated, since the run writes to it.
void* allocate_host(size_t bytes) { return ::operator new(bytes, std::align_val_t(memory_alignment)); }
void release_host(void* memory, size_t) { ::operator delete(memory, std::align_val_t(memory_alignment)); }

void* allocate(size_t bytes) {
    constexpr uintptr_t first = uintptr_t(1) << 32, unit = 4096;
    if (current_counted) {
        constexpr size_t page = cpu_huge_page;
        current_counted->allocated += double(bytes);
        if (bytes >= 2 * page) current_counted->whole_pages += double((bytes + page - 1) / page * page - bytes);
    }
    if (next_address < first) next_address = first;
    const uintptr_t address = next_address;
    // Addresses wrap around at the end of the range, which is far larger than all arenas together.
    if (__builtin_add_overflow(address, (bytes + unit) / unit * unit, &next_address)) next_address = first;
    return reinterpret_cast<void*>(address);
}
void release(void*, size_t) {}
void zero(void*, size_t, Stream) {}
void copy_to_device(void*, const void*, size_t, Stream) {}
void copy_to_host(void* host, const void*, size_t bytes, Stream) { std::memset(host, 0, bytes); }

}  // namespace

double Counted::flops() const {
    double sum = 0;
    for (const Amount& w : work) sum += w.flops;
    return sum;
}

void Counted::add(const Collective& c) {
    for (Collective& known : collectives)
        if (known.axis == c.axis && known.kind == c.kind && known.bytes == c.bytes) {
            known.calls += c.calls;
            return;
        }
    collectives.push_back(c);
}

Counted Counted::plus(const Counted& other, double times) const {
    Counted sum = *this;
    const auto scaled = [&](const Amount& p) { return Amount{times * p.calls, times * p.flops, times * p.bytes}; };
    for (size_t i = 0; i < work.size(); ++i) sum.work[i] += scaled(other.work[i]);
    for (const auto& [shape, p] : other.matmuls) sum.matmuls[shape] += scaled(p);
    for (Collective c : other.collectives) {
        c.calls *= times;
        sum.add(c);
    }
    std::erase_if(sum.collectives, [](const Collective& c) { return c.calls == 0; });
    sum.head_width = std::max(head_width, other.head_width);
    sum.allocated += times * other.allocated;
    sum.whole_pages += times * other.whole_pages;
    return sum;
}

Counting::Counting() : before_(current_counted) { current_counted = &counted_; }
Counting::~Counting() { current_counted = before_; }

Counted Counting::take() {
    Counted taken;
    std::swap(taken, counted_);
    return taken;
}

Counted* Counting::current() { return current_counted; }

namespace {

Ops counting_table(size_t matmul_workspace, int64_t logit_rows) {
    // clang-format off
    return immediate::completed({
        .name                   = "counting",
        .embedding_forward      = checked<EmbeddingForward, count<EmbeddingForward, Work::rows>>,
        .embedding_backward     = checked<EmbeddingBackward, count<EmbeddingBackward, Work::rows>>,
        .layernorm_forward      = checked<LayerNormForward, count<LayerNormForward, Work::rows>>,
        .add_layernorm_forward  = checked<AddLayerNormForward, count<AddLayerNormForward, Work::rows>>,
        .layernorm_backward     = checked<LayerNormBackward, count<LayerNormBackward, Work::rows>>,
        .rmsnorm_forward        = checked<RmsNormForward, count<RmsNormForward, Work::rows>>,
        .add_rmsnorm_forward    = checked<AddRmsNormForward, count<AddRmsNormForward, Work::rows>>,
        .rmsnorm_backward       = checked<RmsNormBackward, count<RmsNormBackward, Work::rows>>,
        .linear_forward         = checked<LinearForward, count_forward>,
        .linear_backward_input  = checked<LinearBackwardInput, count_input>,
        .linear_backward_weight = checked<LinearBackwardWeight, count_weight>,
        .linear_activation_forward  = checked<LinearActivationForward, count_activation_forward>,
        .linear_activation_backward = checked<LinearActivationBackward, count_activation_backward>,
        .row_dot_forward        = checked<RowDotForward, count<RowDotForward, Work::rows>>,
        .row_dot_backward       = checked<RowDotBackward, count<RowDotBackward, Work::rows>>,
        .rope_forward           = checked<Rope, count<Rope, Work::rows>>,
        .rope_backward          = checked<Rope, count<Rope, Work::rows>>,
        .qk_norm_rope_forward   = checked<QkNormRopeForward, count<QkNormRopeForward, Work::rows>>,
        .qk_norm_rope_backward  = checked<QkNormRopeBackward, count<QkNormRopeBackward, Work::rows>>,
        .attention_forward      = checked<AttentionForward, count_attention<AttentionForward>>,
        .attention_backward     = checked<AttentionBackward, count_attention<AttentionBackward>>,
        .attention_cached       = checked<AttentionCached, count<AttentionCached, Work::attention>>,
        .activation_forward     = checked<ActivationForward, count<ActivationForward, Work::rows>>,
        .activation_backward    = checked<ActivationBackward, count<ActivationBackward, Work::rows>>,
        .gated_forward          = checked<GatedForward, count<GatedForward, Work::rows>>,
        .gated_backward         = checked<GatedBackward, count<GatedBackward, Work::rows>>,
        .dropout                = checked<Dropout, count<Dropout, Work::rows>>,
        .add_dropout            = checked<AddDropout, count<AddDropout, Work::rows>>,
        .add_noise              = checked<AddNoise, count<AddNoise, Work::rows>>,
        .cross_entropy_stats    = checked<CrossEntropyStats, count<CrossEntropyStats, Work::rows>>,
        .cross_entropy_join     = checked<CrossEntropyJoin, count<CrossEntropyJoin, Work::rows>>,
        .cross_entropy_forward  = checked<CrossEntropyForward, count<CrossEntropyForward, Work::rows>>,
        .cross_entropy_backward = checked<CrossEntropyBackward, count<CrossEntropyBackward, Work::rows>>,
        .cross_entropy          = checked<CrossEntropy, count<CrossEntropy, Work::rows>>,
        .sample                 = checked<Sample, count<Sample, Work::rows>>,
        .add                    = checked<Add, count<Add, Work::rows>>,
        .cast                   = checked<Cast, count<Cast, Work::rows>>,
        .square_sum             = checked<SquareSum, count<SquareSum, Work::update>>,
        .clip_scale             = checked<ClipScale, count<ClipScale, Work::update>>,
        .adamw                  = checked<AdamW, count<AdamW, Work::update>>,
        .average                = checked<Average, count<Average, Work::update>>,
        .muon                   = checked<Muon, count<Muon, Work::update>>,
        .allocate               = allocate,
        .release                = release,
        .allocate_host          = allocate_host,
        .release_host           = release_host,
        .zero                   = zero,
        .copy_to_device         = copy_to_device,
        .copy_to_host           = copy_to_host,
        .copy                   = copy_to_device,
        .matmul_workspace           = matmul_workspace,
        .logit_rows             = logit_rows,
    });
    // clang-format on
}

}  // namespace

const Ops& counting_ops(size_t matmul_workspace, int64_t logit_rows) {
    thread_local std::map<std::pair<size_t, int64_t>, Ops> tables;
    const std::pair key(matmul_workspace, logit_rows);
    const auto known = tables.find(key);
    return known != tables.end() ? known->second
                                 : tables.emplace(key, counting_table(matmul_workspace, logit_rows)).first->second;
}

}  // namespace gradus
