#include "tests/kernels/table/hosted.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <vector>

#include "kernels/every_op.h"
#include "tests/kernels/table/fields.h"

namespace gradus::test {

namespace {

const Ops* device = nullptr;
constexpr size_t full_workspace = size_t(1) << 20;
Tensor workspace;  // on the device; never released
size_t workspace_bytes = full_workspace;
bool shifted = false, captured = false;

// A tensor in a copy of the op's arguments, which will point to device memory.
struct Use {
    Tensor* tensor;
    bool read, written;
};

Use use_of(In& t) { return {&t, true, false}; }
Use use_of(Out& t) { return {&t, false, true}; }
Use use_of(Acc& t) { return {&t, true, true}; }
Use use_of(Opt& t) { return {&t, true, true}; }

struct Uses {
    std::vector<Use> all;
    std::vector<MuonMatrix> matrices;          // copies of the matrices in a span
    std::deque<Tensor> pointed;                // tensors of the values behind pointers
    std::vector<std::function<void()>> moves;  // update the pointers after these tensors have moved

    template <std::derived_from<Tensor> Role>
    void add(Role& t) {
        if (t) all.push_back(use_of(t));
    }
    // Values that an op reads through a pointer: kernels/step_values.h and the key of dropout.
    template <class Value>
    void add(const Value*& address) {
        if (!address) return;
        pointed.push_back({const_cast<Value*>(address), DType::f64, {int64_t(sizeof(Value) / sizeof(double))}});
        all.push_back({&pointed.back(), true, false});
        moves.push_back([&address, &tensor = pointed.back()] { address = tensor.as<Value>(); });
    }
    void add(AttentionScore& score) {
        if (auto* alibi = std::get_if<Alibi>(&score)) add(alibi->slopes);
        if (auto* relative = std::get_if<RelativeBias>(&score)) add(relative->bias);
    }
    void add(std::span<const MuonMatrix>& list) {
        matrices.assign(list.begin(), list.end());
        list = matrices;
        for (MuonMatrix& each : matrices) add_fields(each);
    }
    template <class Setting>
    void add(Setting&) {}
    template <class Args>
    void add_fields(Args& args) {
        with(args, [this](auto&... field) { (this->add(field), ...); });
    }
};

// A range of host memory with one or several tensors, and its copy on the device.
struct Range {
    char *first, *last;  // on the host
    bool read, written;
    size_t before = 0;  // bytes of device memory before the tensors, for the same alignment as on the host
    size_t allocated = 0;
    char* memory = nullptr;
    std::vector<char> transfer;  // the bytes copied to the device, then those copied back

    size_t bytes() const { return size_t(last - first); }
    char* twin() const { return memory + before; }
};

std::vector<Range> ranges_of(std::vector<Use> uses) {
    const auto start = [](const Use& u) { return u.tensor->as<char>(); };
    std::sort(uses.begin(), uses.end(), [&](const Use& a, const Use& b) { return start(a) < start(b); });
    std::vector<Range> ranges;
    for (const Use& u : uses) {
        char *first = start(u), *last = first + u.tensor->extent();
        const bool read = u.read || !u.tensor->contiguous();  // the gaps between its rows must come back unchanged
        if (!ranges.empty() && (first < ranges.back().last || first == ranges.back().first)) {
            ranges.back().last = std::max(ranges.back().last, last);
            ranges.back().read |= read;
            ranges.back().written |= u.written;
        } else ranges.push_back({.first = first, .last = last, .read = read, .written = u.written});
        const size_t misaligned = reinterpret_cast<uintptr_t>(ranges.back().first) % 64;
        ranges.back().before = misaligned + (shifted ? size_of(u.tensor->dtype) : 0);
    }
    return ranges;
}

// The device memory of one call. The destructor waits for queued work, which may still use it after an exception.
class Visit {
public:
    Visit(const std::vector<Use>& uses, Stream stream) : ranges_(ranges_of(uses)), stream_(stream) {
        for (Range& r : ranges_) {
            r.allocated = r.before + r.bytes();
            r.memory = static_cast<char*>(device->allocate(r.allocated));
            r.transfer.assign(r.bytes(), char(0xff));
            if (r.read) std::copy(r.first, r.last, r.transfer.begin());
            device->copy_to_device(r.twin(), r.transfer.data(), r.bytes(), stream_);
        }
        for (const Use& u : uses) {
            const auto here = [&](const Range& r) { return r.first <= u.tensor->data && u.tensor->data <= r.last; };
            // Adjacent ranges may touch: a tensor is in the last range that does not begin after it.
            const Range& r = *std::find_if(ranges_.rbegin(), ranges_.rend(), here);
            u.tensor->data = r.twin() + (u.tensor->as<char>() - r.first);
        }
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    void come_back() {
        for (Range& r : ranges_) device->copy_to_host(r.transfer.data(), r.twin(), r.bytes(), stream_);
        device->synchronise(stream_);
        for (Range& r : ranges_) {
            if (r.written) std::copy(r.transfer.begin(), r.transfer.end(), r.first);
            else
                CHECK(std::equal(r.transfer.begin(), r.transfer.end(), r.first),
                      "an op changed a tensor that it may only read");
        }
    }

    ~Visit() {
        try {
            device->synchronise(stream_);
        } catch (const std::exception&) {}  // the first exception propagates to the caller
        for (const Range& r : ranges_) device->release(r.memory, r.allocated);
    }

private:
    std::vector<Range> ranges_;
    Stream stream_;
};

// Captures a call and replays it.
template <class Call>
void replay_once(const Call& call, Stream stream) {
    device->begin_capture(stream);
    try {
        call();
    } catch (...) {
        device->release_graph(device->end_capture(stream));
        throw;
    }
    const Graph graph = device->end_capture(stream);
    device->replay(graph, stream);
    device->release_graph(graph);
}

template <auto entry, class Args>
void run(const Args& args, Stream stream) {
    Args moved = args;
    Uses uses;
    uses.add_fields(moved);
    Visit visit(uses.all, stream);
    for (const auto& move : uses.moves) move();
    if (device->matmul_workspace) {
        // NaN, so that no op reads what the one before left there. At the end of the allocation, so that the sanitizer sees a write
        // past what the op has.
        static const std::vector<char> nothing(full_workspace, char(0xff));
        device->copy_to_device(workspace.data, nothing.data(), full_workspace, stream);
        stream.workspace = workspace.as<char>() + (full_workspace - workspace_bytes) / 16 * 16;
        stream.workspace_bytes = workspace_bytes;
    }
    const auto call = [&] { (device->*entry)(moved, stream); };
    if (captured) replay_once(call, stream);
    else call();
    visit.come_back();
}

}  // namespace

const Ops& hosted(const Ops& of) {
    device = &of;
    if (of.matmul_workspace && !workspace)
        workspace = {of.allocate(full_workspace), DType::f32, {int64_t(full_workspace / sizeof(float))}};
    static Ops table;
    table = of;
    table.embedding_forward = run<&Ops::embedding_forward>;
    table.embedding_backward = run<&Ops::embedding_backward>;
    table.layernorm_forward = run<&Ops::layernorm_forward>;
    table.add_layernorm_forward = run<&Ops::add_layernorm_forward>;
    table.layernorm_backward = run<&Ops::layernorm_backward>;
    table.rmsnorm_forward = run<&Ops::rmsnorm_forward>;
    table.add_rmsnorm_forward = run<&Ops::add_rmsnorm_forward>;
    table.rmsnorm_backward = run<&Ops::rmsnorm_backward>;
    table.linear_forward = run<&Ops::linear_forward>;
    table.linear_backward_input = run<&Ops::linear_backward_input>;
    table.linear_backward_weight = run<&Ops::linear_backward_weight>;
    table.linear_activation_forward = run<&Ops::linear_activation_forward>;
    table.linear_activation_backward = run<&Ops::linear_activation_backward>;
    table.row_dot_forward = run<&Ops::row_dot_forward>;
    table.row_dot_backward = run<&Ops::row_dot_backward>;
    table.rope_forward = run<&Ops::rope_forward>;
    table.rope_backward = run<&Ops::rope_backward>;
    table.qk_norm_rope_forward = run<&Ops::qk_norm_rope_forward>;
    table.qk_norm_rope_backward = run<&Ops::qk_norm_rope_backward>;
    table.attention_forward = run<&Ops::attention_forward>;
    table.attention_backward = run<&Ops::attention_backward>;
    table.attention_cached = run<&Ops::attention_cached>;
    table.activation_forward = run<&Ops::activation_forward>;
    table.activation_backward = run<&Ops::activation_backward>;
    table.gated_forward = run<&Ops::gated_forward>;
    table.gated_backward = run<&Ops::gated_backward>;
    table.dropout = run<&Ops::dropout>;
    table.add_dropout = run<&Ops::add_dropout>;
    table.add_noise = run<&Ops::add_noise>;
    table.cross_entropy_stats = run<&Ops::cross_entropy_stats>;
    table.cross_entropy_join = run<&Ops::cross_entropy_join>;
    table.cross_entropy_forward = run<&Ops::cross_entropy_forward>;
    table.cross_entropy_backward = run<&Ops::cross_entropy_backward>;
    table.cross_entropy = run<&Ops::cross_entropy>;
    table.sample = run<&Ops::sample>;
    table.add = run<&Ops::add>;
    table.cast = run<&Ops::cast>;
    table.square_sum = run<&Ops::square_sum>;
    table.clip_scale = run<&Ops::clip_scale>;
    table.adamw = run<&Ops::adamw>;
    table.average = run<&Ops::average>;
    table.muon = run<&Ops::muon>;
    return table;
}

Workspace::Workspace(size_t bytes) { workspace_bytes = std::min(bytes, full_workspace); }
Workspace::~Workspace() { workspace_bytes = full_workspace; }

void capture_calls(bool on) { captured = on; }

Shifted::Shifted() { shifted = true; }
Shifted::~Shifted() { shifted = false; }

}  // namespace gradus::test
