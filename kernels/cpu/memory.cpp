#include "kernels/cpu/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "kernels/cpu/buffer.h"
#include "kernels/cpu_scratch.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t copy_grain = int64_t(1) << 20;  // bytes: smaller copies are faster than waking a second thread

}  // namespace

void* allocate(size_t bytes) {
    const size_t alignment = bytes >= 2 * cpu_huge_page ? cpu_huge_page : memory_alignment;
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* memory = rounded < bytes ? nullptr : std::aligned_alloc(alignment, rounded ? rounded : alignment);
    if (!memory)
        throw Error(
            "cannot allocate " + std::to_string(bytes) + " bytes (" + std::to_string(bytes >> 20) + " MiB) of memory",
            "the machine is out of memory, or a limit of this process (ulimit -v) is too low",
            "lower the batch size or the context length, or recompute activations");
    // A hint: fewer TLB misses when a weight matrix is read across its rows.
    if (alignment == cpu_huge_page) ::madvise(memory, rounded, MADV_HUGEPAGE);
    return memory;
}

void release(void* memory, size_t) { std::free(memory); }

void zero(void* memory, size_t bytes, Stream) {
    parallel(int64_t(bytes), copy_grain, [&](int64_t first, int64_t last) {
        std::memset(static_cast<char*>(memory) + first, 0, size_t(last - first));
    });
}

void copy(void* to, const void* from, size_t bytes, Stream) {
    parallel(int64_t(bytes), copy_grain, [&](int64_t first, int64_t last) {
        std::memcpy(static_cast<char*>(to) + first, static_cast<const char*>(from) + first, size_t(last - first));
    });
}

Buffer::~Buffer() { std::free(memory_); }

float* Buffer::floats(size_t count) {
    if (count * sizeof(float) > bytes_) {
        release(memory_, bytes_);
        memory_ = nullptr;
        bytes_ = 0;
        memory_ = allocate(count * sizeof(float));
        bytes_ = count * sizeof(float);
    }
    return static_cast<float*>(memory_);
}

}  // namespace gradus::cpu
