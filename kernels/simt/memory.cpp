#include "kernels/simt/memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "kernels/simt/device_memory.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/queue.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

namespace {

constexpr size_t alignment = 256;  // cudaMalloc's
constexpr int poison = 0xFF;

struct Allocations {
    std::mutex mutex;
    std::map<void*, size_t> device, host;
    size_t device_bytes = 0;
    int open = 0;  // live DeviceAccess objects
};

Allocations& all() {
    static Allocations* const one = new Allocations;  // never destroyed: static objects may still use it
    return *one;
}

size_t memory_of_device() {
    if (const size_t mib = simt::settings().memory) return mib << 20;
    return size_t(::sysconf(_SC_PHYS_PAGES)) * size_t(::sysconf(_SC_PAGESIZE));
}

size_t free_on_device() { return memory_of_device() - std::min(memory_of_device(), all().device_bytes); }

void* take(size_t bytes, const char* what) {
    void* memory = nullptr;
    if (bytes > free_on_device() || ::posix_memalign(&memory, alignment, bytes ? bytes : 1))
        throw Error(
            "cannot allocate " + std::to_string(bytes) + " bytes (" + std::to_string(bytes >> 20) + " MiB) of " + what,
            std::to_string(free_on_device() >> 20) + " MiB of the emulated GPU's " +
                std::to_string(memory_of_device() >> 20) + " are free",
            "a smaller batch or context, or --set train.recompute=true");
    return memory;
}

// Removes an allocation from `known`. Fault: it is not there, or has another size.
void forget(std::map<void*, size_t>& known, void* memory, size_t bytes, const char* op) {
    const auto found = known.find(memory);
    if (found == known.end())
        throw simt::Fault(std::string(op) + ": this memory was not allocated, or was released before");
    if (found->second != bytes)
        throw simt::Fault(std::string(op) + " of " + std::to_string(bytes) + " bytes, but " +
                          std::to_string(found->second) + " were allocated");
    known.erase(found);
}

}  // namespace

DeviceAccess::DeviceAccess() {
    const std::lock_guard lock(all().mutex);
    if (all().open++ || !under_asan()) return;
    for (const auto& [memory, bytes] : all().device) asan_unpoison(memory, bytes);
}

DeviceAccess::~DeviceAccess() {
    const std::lock_guard lock(all().mutex);
    if (--all().open || !under_asan()) return;
    for (const auto& [memory, bytes] : all().device) asan_poison(memory, bytes);
}

Allocation allocation_of(const void* address) {
    static Allocation last;
    const auto within = [&](const void* memory, size_t bytes) {
        return address >= memory && address < static_cast<const char*>(memory) + bytes;
    };
    const std::lock_guard lock(all().mutex);
    if (last.bytes && within(last.memory, last.bytes) && all().device.count(const_cast<void*>(last.memory)))
        return last;
    auto after = all().device.upper_bound(const_cast<void*>(address));
    if (after == all().device.begin()) return {};
    --after;
    if (!within(after->first, after->second)) return {};
    return last = {after->first, after->second};
}

void free_device_memory(void* memory, size_t bytes) {
    const std::lock_guard lock(all().mutex);
    if (!memory) return;
    forget(all().device, memory, bytes, "release");
    all().device_bytes -= bytes;
    asan_unpoison(memory, bytes);
    std::free(memory);
}

}  // namespace gradus::emulator

namespace gradus::simt {

using namespace emulator;

void* allocate(size_t bytes) {
    forbid_in_capture("allocate");
    const std::lock_guard lock(all().mutex);
    void* memory = take(bytes, "device memory");
    std::memset(memory, poison, bytes);
    all().device.emplace(memory, bytes);
    all().device_bytes += bytes;
    if (!all().open) asan_poison(memory, bytes);
    return memory;
}

void* allocate_host(size_t bytes) {
    forbid_in_capture("allocate_host");
    const std::lock_guard lock(all().mutex);
    void* memory = take(bytes, "pinned host memory");
    std::memset(memory, poison, bytes);
    all().host.emplace(memory, bytes);
    return memory;
}

void release_host(void* memory, size_t bytes) {
    forbid_in_capture("release_host");
    const std::lock_guard lock(all().mutex);
    if (!memory) return;
    forget(all().host, memory, bytes, "release_host");
    std::free(memory);
}

int capability() { return settings().capability; }

int multiprocessors() { return 132; }

DeviceMemory memory() {
    const std::lock_guard lock(all().mutex);
    return {free_on_device(), memory_of_device()};
}

size_t shared_memory() { return size_t(228) << 10; }  // of compute capability 9.0

}  // namespace gradus::simt
