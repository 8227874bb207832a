#include "tools/bench/ceiling.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kernels/choices.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "tools/bench/cpu_ceiling.h"

namespace gradus {

namespace {

struct Sizes {
    int64_t copied, side;  // floats of the copy; of the matrices
};
// On the emulator the sizes are tiny, and the results are not ceilings.
Sizes sizes_of(const std::string& device) {
    return device == "cuda" ? Sizes{int64_t(256) << 20, 8192} : Sizes{1 << 14, 32};
}

// Multiplying zeros would be faster.
std::vector<float> random_numbers(int64_t n) {
    std::vector<float> numbers(static_cast<size_t>(n));
    uint32_t state = 1;
    for (float& x : numbers) {
        state = state * 1664525u + 1013904223u;
        x = float(int32_t(state)) * 0x1p-31f;
    }
    return numbers;
}

template <class Work>
double best_of(int passes, Work&& seconds) {
    double best = seconds();
    for (int i = 1; i < passes; ++i) best = std::min(best, seconds());
    return best;
}

}  // namespace

Ceilings::Ceilings(const std::string& device, const Ops& ops)
    : ops_(ops),
      cpu_(device == "cpu"),
      begin_(ops.make_timed_event()),
      end_(ops.make_timed_event()),
      workspace_(ops, "ceilings") {
    if (cpu_) {
        text_ = "reading memory, and oneDNN's matmul of 2048 x 2048 matrices";
        return;
    }
    const auto [copied, side] = sizes_of(device);
    text_ = fmt::format("a copy of {} MiB, and cuBLASLt's matmul of {} x {} matrices", copied * 4 >> 20, side, side);
    workspace_.declare("from", from_, {copied}, DType::f32);
    workspace_.declare("to", to_, {copied}, DType::f32);
    for (auto [factors, dtype] : {std::pair(&f32_, DType::f32), std::pair(&bf16_, DType::bf16)})
        for (Tensor* t : {&factors->y, &factors->x, &factors->w}) workspace_.declare("factor", *t, {side, side}, dtype);
    workspace_.declare_matmul_workspace(matmul_workspace_);
    workspace_.allocate();
    const std::vector<float> numbers = random_numbers(side * side);
    for (const auto& [single, half] : {std::pair(&f32_.x, &bf16_.x), std::pair(&f32_.w, &bf16_.w)}) {
        ops.copy_to_device(single->data, numbers.data(), single->bytes(), {});
        ops.cast({.y = *half, .x = *single}, {});
    }
    ops.synchronise({});
}

Ceilings::~Ceilings() {
    ops_.release_event(begin_);
    ops_.release_event(end_);
}

double Ceilings::gbps() const {
    if (cpu_) return measure_read_bandwidth();
    const auto copy = [&] { ops_.copy(to_.data, from_.data, from_.bytes(), {}); };
    return 2 * double(from_.bytes()) / best_of(3, [&] { return seconds(copy); }) * 1e-9;
}

double Ceilings::gflops(DType dtype) const {
    if (cpu_) return measure_ceiling_gflops(dtype);
    const auto& [y, x, w] = dtype == DType::bf16 ? bf16_ : f32_;
    const MatmulKernel chosen = std::exchange(kernel_choices().matmul, MatmulKernel::library);
    const auto matmul = [&] { ops_.linear_forward({.y = y, .x = x, .w = w}, Stream{}.with(matmul_workspace_)); };
    const double side = double(x.last());
    const double least = best_of(dtype == DType::bf16 ? 5 : 2, [&] { return seconds(matmul); });
    kernel_choices().matmul = chosen;
    return 2 * side * side * side / least * 1e-9;
}

void Ceilings::flush() const {
    if (cpu_) measure_read_bandwidth();
    else ops_.copy(to_.data, from_.data, from_.bytes() / 2, {});
}

}  // namespace gradus
