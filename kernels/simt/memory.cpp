#include "kernels/simt/memory.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "kernels/simt/device_memory.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr size_t alignment = 256;  // cudaMalloc's
constexpr int poison = 0xFF;

struct Allocations {
    std::mutex busy;
    std::map<void*, size_t> device, host;
    size_t device_bytes = 0;
    int open = 0;  // OnDevice objects alive
};

Allocations& all() {
    static Allocations* const one = new Allocations;  // what lives to the end of the program may still use it
    return *one;
}

size_t memory_of_this_machine() { return size_t(::sysconf(_SC_PHYS_PAGES)) * size_t(::sysconf(_SC_PAGESIZE)); }

void* take(size_t bytes, const char* what) {
    void* memory = nullptr;
    const bool possible = bytes < memory_of_this_machine() - all().device_bytes;
    if (!possible || ::posix_memalign(&memory, alignment, bytes ? bytes : 1))
        throw Error(
            "cannot allocate " + std::to_string(bytes) + " bytes (" + std::to_string(bytes >> 20) + " MiB) of " + what,
            "the emulated GPU has the memory of this machine, and it has no room for it",
            "lower the batch size or the context length, or recompute activations");
    return memory;
}

// Fault: not what take() gave. Forgets it.
void forget(std::map<void*, size_t>& known, void* memory, size_t bytes, const char* word) {
    const auto found = known.find(memory);
    if (found == known.end())
        throw simt::Fault(std::string(word) + ": this memory was not allocated, or was released before");
    if (found->second != bytes)
        throw simt::Fault(std::string(word) + " of " + std::to_string(bytes) + " bytes, but " +
                          std::to_string(found->second) + " were allocated");
    known.erase(found);
}

}  // namespace

OnDevice::OnDevice() {
    const std::lock_guard lock(all().busy);
    if (all().open++ || !under_asan()) return;
    for (const auto& [memory, bytes] : all().device) allow(memory, bytes);
}

OnDevice::~OnDevice() {
    const std::lock_guard lock(all().busy);
    if (--all().open || !under_asan()) return;
    for (const auto& [memory, bytes] : all().device) forbid(memory, bytes);
}

void give_device_memory(void* memory, size_t bytes) {
    const std::lock_guard lock(all().busy);
    if (!memory) return;
    forget(all().device, memory, bytes, "release");
    all().device_bytes -= bytes;
    allow(memory, bytes);
    std::free(memory);
}

}  // namespace gradus::emulator

namespace gradus::simt {

using namespace emulator;

void* allocate(size_t bytes) {
    const std::lock_guard lock(all().busy);
    void* memory = take(bytes, "device memory");
    std::memset(memory, poison, bytes);
    all().device.emplace(memory, bytes);
    all().device_bytes += bytes;
    if (!all().open) forbid(memory, bytes);
    return memory;
}

void* allocate_host(size_t bytes) {
    const std::lock_guard lock(all().busy);
    void* memory = take(bytes, "pinned host memory");
    std::memset(memory, poison, bytes);
    all().host.emplace(memory, bytes);
    return memory;
}

void release_host(void* memory, size_t bytes) {
    const std::lock_guard lock(all().busy);
    if (!memory) return;
    forget(all().host, memory, bytes, "release_host");
    std::free(memory);
}

DeviceMemory memory() {
    const std::lock_guard lock(all().busy);
    const size_t total = memory_of_this_machine();
    return {total - all().device_bytes, total};
}

}  // namespace gradus::simt
