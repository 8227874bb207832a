// Measures operations of emulated threads per second; prints the table of docs/simt.md.
#include <chrono>
#include <cstdio>
#include <cstring>

#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/matrix.h"
#include "kernels/simt/memory.h"

namespace gradus::simt {

namespace {

constexpr unsigned all = 0xffffffffu;

__global__ void one_element(float* y) {
    const size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    y[i] = y[i] * 2 + 1;
}
__global__ void hundred_elements(float* y) {
    const size_t i = (size_t(blockIdx.x) * blockDim.x + threadIdx.x) * 100;
    for (size_t k = 0; k < 100; ++k) y[i + k] = y[i + k] * 2 + 1;
}
__global__ void barriers(float*) {
    for (int k = 0; k < 100; ++k) __syncthreads();
}
__global__ void shuffles(float* y) {
    float x = float(threadIdx.x);
    for (int k = 0; k < 100; ++k) x += __shfl_xor_sync(all, x, 1);
    y[threadIdx.x] = x;
}
__global__ void atomics(float* y) {
    for (int k = 0; k < 100; ++k) atomicAdd(y, 1.0f);
}
__global__ void products(float* y) {
    unsigned a[4] = {}, b[2] = {};
    float d[4] = {};
    for (int k = 0; k < 100; ++k) mma_bf16(d, a, b);
    y[threadIdx.x] = d[0];
}

// The shortest time of three, in seconds.
double seconds_of(void (*kernel)(float*), unsigned blocks, unsigned threads, float* y) {
    double best = 1e9;
    for (int round = 0; round < 3; ++round) {
        const auto start = std::chrono::steady_clock::now();
        launch(kernel, blocks, threads, 0, {}, y);
        synchronise({});
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

void row(const char* what, void (*kernel)(float*), unsigned blocks, double per_thread, float* y) {
    const double operations = 256.0 * blocks * per_thread, seconds = seconds_of(kernel, blocks, 256, y);
    std::printf("| %s | %.1f | %.1f |\n", what, operations / seconds * 1e-6, seconds / operations * 1e9);
}

}  // namespace

}  // namespace gradus::simt

int main(int count, char** words) {
    using namespace gradus::simt;
    // A number makes the launches that many times smaller, for builds with sanitizers.
    const unsigned scale = count > 1 ? unsigned(std::atoi(words[1])) : 1, blocks = 400 / scale;
    constexpr size_t bytes = 400 * 256 * 100 * sizeof(float);
    auto* y = static_cast<float*>(allocate(bytes));
    zero(y, bytes, {});
    std::printf("| operation of a thread | million a second | ns |\n|---|---|---|\n");
    row("a thread that changes one element", one_element, blocks, 1, y);
    row("an element, 100 a thread", hundred_elements, blocks, 100, y);
    row("`__syncthreads`, 256 threads", barriers, blocks / 40 + 1, 100, y);
    row("`__shfl_xor_sync`", shuffles, blocks / 40 + 1, 100, y);
    row("`atomicAdd`", atomics, blocks / 40 + 1, 100, y);
    row("`mma_bf16` (a lane's share: 128 FLOP)", products, blocks / 40 + 1, 100, y);
    release(y, bytes);
}
