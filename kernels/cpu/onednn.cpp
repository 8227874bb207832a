#include "kernels/cpu/onednn.h"

#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>

#include "kernels/cpu/buffer.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

// Never destroyed: at exit oneDNN's own static objects may be destroyed first.
const dnnl::engine& engine() {
    static const auto& one = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
    return one;
}

dnnl::memory::data_type type(DType t) {
    return t == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

struct Kernel {
    dnnl::matmul::primitive_desc about;
    dnnl::matmul run;
};

Kernel make(const Matmul& p) {
    const dnnl::memory::desc a({p.M, p.K}, type(p.a.dtype), dnnl::memory::dims{p.a.row, p.a.column});
    const dnnl::memory::desc b({p.K, p.N}, type(p.b.dtype), dnnl::memory::dims{p.b.row, p.b.column});
    const dnnl::memory::desc out({p.M, p.N}, type(p.dtype), dnnl::memory::dims{p.out_row(), 1});
    const dnnl::memory::desc bias({1, p.N}, type(p.dtype), dnnl::memory::dims{p.N, 1});
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (p.accumulate) {
        dnnl::post_ops then;
        then.append_sum(1.0f);
        attributes.set_post_ops(then);
    }
    const auto description = p.bias ? dnnl::matmul::desc(a, b, bias, out) : dnnl::matmul::desc(a, b, out);
    const dnnl::matmul::primitive_desc about(description, attributes, engine());
    return {about, dnnl::matmul(about)};
}

// A primitive is built for the number of threads that will run it.
const Kernel& kernel_for(const Matmul& p) {
    using Key = std::tuple<int64_t, int64_t, int64_t, DType, DType, DType, int64_t, int64_t, int64_t, int64_t, int64_t,
                           bool, bool, int>;
    static auto& kernels = *new std::map<Key, Kernel>;
    static std::mutex guard;
    const Key key = {p.M,        p.N,     p.K,        p.dtype,     p.a.dtype,         p.b.dtype,    p.a.row,
                     p.a.column, p.b.row, p.b.column, p.out_row(), p.bias != nullptr, p.accumulate, threads()};
    const std::lock_guard<std::mutex> hold(guard);
    auto found = kernels.find(key);
    if (found == kernels.end()) found = kernels.emplace(key, make(p)).first;
    return found->second;
}

thread_local Buffer buffer;

}  // namespace

bool multiplies_bf16() {
    static const bool answer = [] {
        switch (dnnl::get_effective_cpu_isa()) {
            case dnnl::cpu_isa::avx512_core_bf16:
            case dnnl::cpu_isa::avx512_core_amx: return true;
            default: return false;
        }
    }();
    return answer;
}

void onednn_matmul(const Matmul& p) {
    const Kernel& kernel = kernel_for(p);
    const auto wrap = [](const dnnl::memory::desc& about, const void* data) {
        return dnnl::memory(about, engine(), const_cast<void*>(data));
    };
    float* scratch = buffer.floats(kernel.about.scratchpad_desc().get_size() / sizeof(float) + 1);
    std::unordered_map<int, dnnl::memory> arguments = {
        {DNNL_ARG_SRC, wrap(kernel.about.src_desc(), p.a.data)},
        {DNNL_ARG_WEIGHTS, wrap(kernel.about.weights_desc(), p.b.data)},
        {DNNL_ARG_DST, wrap(kernel.about.dst_desc(), p.out)},
        {DNNL_ARG_SCRATCHPAD, wrap(kernel.about.scratchpad_desc(), scratch)}};
    if (p.bias) arguments.emplace(DNNL_ARG_BIAS, wrap(kernel.about.bias_desc(), p.bias));
    dnnl::stream stream(engine());
    kernel.run.execute(stream, arguments);
    stream.wait();
}

}  // namespace gradus::cpu
