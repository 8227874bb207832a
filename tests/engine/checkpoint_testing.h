#pragma once
// Shared by the tests of checkpoints: tiny models of both families, filled with values from a seed, and folders that
// are removed when their test ends. Checkpoints need only memory and casts of a backend, so the table has no other ops.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/folders.h"
#include "engine/models/model.h"
#include "engine/optimizer.h"
#include "kernels/elementwise.h"
#include "kernels/scalar.h"

namespace gradus::testing {

inline const Ops& memory_ops() {
    static const Ops table = {
        .name = "memory",
        .cast =
            [](const Cast& a, Stream) {
                for (int64_t i = 0; i < a.x.size(); ++i) {
                    const float x = a.x.dtype == DType::bf16 ? float(a.x.as<bf16>()[i]) : a.x.as<float>()[i];
                    if (a.y.dtype == DType::bf16) a.y.as<bf16>()[i] = bf16(x);
                    else a.y.as<float>()[i] = x;
                }
            },
        .allocate = [](size_t bytes) { return std::aligned_alloc(64, (bytes + 63) / 64 * 64); },
        .release = [](void* memory, size_t) { std::free(memory); },
        .allocate_host = [](size_t bytes) { return std::aligned_alloc(64, (bytes + 63) / 64 * 64); },
        .release_host = [](void* memory, size_t) { std::free(memory); },
        .zero = [](void* memory, size_t bytes, Stream) { std::memset(memory, 0, bytes); },
        .copy_to_device = [](void* to, const void* from, size_t bytes, Stream) { std::memcpy(to, from, bytes); },
        .copy_to_host = [](void* to, const void* from, size_t bytes, Stream) { std::memcpy(to, from, bytes); },
        .synchronise = [](Stream) {},
        .compute_stream = [] { return Stream{}; },
    };
    return table;
}

inline ModelConfig tiny_gpt2(bool tied = true) {
    ModelConfig m;
    m.L = 2;
    m.C = 8;
    m.H = m.G = 2;
    m.D = 4;
    m.F = 24;
    m.V = 13;
    m.context = 6;
    m.tied = tied;
    m.end_of_text = 12;
    return m;
}

inline ModelConfig tiny_llama(bool tied = false) {
    ModelConfig m = tiny_gpt2(tied);
    m.family = "llama";
    m.norm.kind = Norm::rms;
    m.position = Position::rotary;
    m.activation = Activation::silu;
    m.gated = true;
    m.bias = false;
    m.H = 4;
    m.G = 2;
    m.D = 6;  // larger than C / H, as in some LLaMAs
    m.F = 12;
    m.rope.theta = 500000;
    m.rope.scaling = {8, 1, 4, 4096};
    return m;
}

// A model in training and its optimizer, with all values from the seed.
struct Trained {
    std::unique_ptr<LanguageModel> model;
    Optimizer optimizer;

    Trained(const ModelConfig& m, DType dtype, const OptimizerConfig& config = {})
        : model(make_language_model(memory_ops(), m, dtype, {.B = 1, .T = 4}, {.training = true})),
          optimizer(model->parameters, config) {}

    void fill(uint64_t seed) {
        uint64_t drawn = 0;
        auto number = [&] {  // normal numbers of many magnitudes and both signs, no infinities
            const auto bits = uint32_t((seed * 1000003 + ++drawn) * 0x9e3779b97f4a7c15ull >> 32);
            return std::bit_cast<float>((bits & 0x807fffffu) | (96 + (bits >> 23 & 63u)) << 23);
        };
        for (size_t at = 0; at < model->weights().size(); ++at) {
            const Weight& w = model->weights()[at];
            const std::vector<Tensor> states = states_of(at);
            for (int64_t i = 0; i < w.value.size(); ++i) {
                if (w.value.dtype == DType::bf16) w.value.as<bf16>()[i] = bf16(number());
                else w.value.as<float>()[i] = number();
                for (const Tensor& t : states)
                    if (t) t.as<float>()[i] = number();
            }
        }
    }

    std::vector<Tensor> states_of(size_t i) {
        using State = Optimizer::State;
        std::vector<Tensor> all;
        for (State state : {State::m, State::v, State::master}) all.push_back(optimizer.read(state).of(i));
        return all;
    }

    // All bits that a checkpoint stores.
    std::string bits() {
        std::string all = weight_bits();
        for (size_t i = 0; i < model->weights().size(); ++i) {
            for (const Tensor& t : states_of(i))
                if (t) all.append(static_cast<const char*>(t.data), t.bytes());
        }
        return all;
    }
    std::string weight_bits() {
        const Tensor t = model->parameters.values.flat();
        return {static_cast<const char*>(t.data), t.bytes()};
    }
};

class TemporaryFolder {
public:
    TemporaryFolder() {
        // In memory if possible: these tests fsync thousands of small files.
        const fs::path memory = "/dev/shm";
        const bool usable = ::access(memory.c_str(), W_OK) == 0;
        const std::string six_letters(6, 'X');  // mkdtemp replaces them
        std::string pattern = ((usable ? memory : fs::temp_directory_path()) / ("gradus-test-" + six_letters)).string();
        CHECK(::mkdtemp(pattern.data()) != nullptr, pattern);
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }
    fs::path operator/(const std::string& name) const { return path_ / name; }

private:
    fs::path path_;
};

// The state of a run at a step, with these rollback targets.
inline TrainingState state_at(const fs::path& run, int64_t step, const Keep& keep) {
    std::vector<int64_t> before;
    for (const StepFolder& f : step_folders(run))
        if (f.step < step) before.insert(before.begin(), f.step);
    return {.step = step, .rollback_targets = steps_to_keep(run, before, step, keep)};
}

// The three lines of the Error that the action throws; empty: it throws none.
inline std::string refusal(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& e) { return e.text(); }
    return "";
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
}

// While it exists no file of this process can grow beyond the limit.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        handler_ = ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now = {bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int);
};

}  // namespace gradus::testing
