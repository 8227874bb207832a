#include "kernels/simt/shared.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/simt/block.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/uninstrumented.h"

namespace gradus::emulator {

namespace {

constexpr int poison = 0xFF;
constexpr size_t dynamic_alignment = 1024;

}  // namespace

SharedMemory::~SharedMemory() {
    for (SharedArray& a : arrays_) {
        if (a.memory) asan_unpoison(a.memory, a.bytes);  // it may be the destination of a copy in flight
        std::free(a.memory);
    }
}

void SharedMemory::start(size_t dynamic_bytes) {
    for (SharedArray& a : arrays_) a.in_use = false;
    static_bytes_ = 0;
    dynamic_bytes_ = dynamic_bytes;
    end_ = 0;
    proxy_.fence();
}

void* SharedMemory::fill(SharedArray& a, size_t bytes, size_t alignment) {
    // A new allocation has no history in ThreadSanitizer, so this block does not race with the previous one.
    if (under_tsan() || a.bytes != bytes) {
        if (a.memory) asan_unpoison(a.memory, a.bytes);
        std::free(a.memory);
        a.memory = nullptr;
        if (::posix_memalign(&a.memory, alignment < sizeof(void*) ? sizeof(void*) : alignment, bytes ? bytes : 1))
            throw std::bad_alloc();
        a.bytes = bytes;
    }
    asan_unpoison(a.memory, bytes);
    std::memset(a.memory, poison, bytes);
    a.async.assign(bytes, char(poison));
    if (under_tsan()) a.loaded.assign(bytes, false);
    a.in_use = true;
    const auto unit = unsigned(alignment);
    a.address = (end_ + unit - 1) / unit * unit;
    if (a.address / unit % 2 == 0) a.address += unit;
    end_ = a.address + unsigned(bytes);
    return a.memory;
}

void* SharedMemory::array(const void* declaration, size_t bytes, size_t alignment, Location at) {
    for (SharedArray& a : arrays_)
        if (a.declaration == declaration) {
            if (a.in_use) return a.memory;
            if (declaration) static_bytes_ += bytes;
            return fill(a, declaration ? bytes : dynamic_bytes_, alignment);
        }
    if (declaration) {
        static_bytes_ += bytes;
        if (static_bytes_ > static_shared_limit || static_bytes_ + dynamic_bytes_ > shared_limit)
            fault("a block has " + std::to_string(static_bytes_) + " bytes of static and " +
                      std::to_string(dynamic_bytes_) +
                      " bytes of dynamic shared memory; at most 49152 can be static and 232448 in all",
                  at);
    }
    arrays_.push_back({declaration, nullptr, size_t(-1), alignment, false, 0, {}});
    return fill(arrays_.back(), declaration ? bytes : dynamic_bytes_, alignment);
}

const SharedArray* SharedMemory::of(const void* pointer, size_t bytes) const {
    const auto* first = static_cast<const char*>(pointer);
    for (const SharedArray& a : arrays_) {
        const auto* memory = static_cast<const char*>(a.memory);
        if (a.in_use && first >= memory && first + bytes <= memory + a.bytes) return &a;
    }
    return nullptr;
}

bool SharedMemory::contains(const void* pointer, size_t bytes) const { return of(pointer, bytes) != nullptr; }

size_t SharedMemory::bytes() const { return static_bytes_ + dynamic_bytes_; }

void SharedMemory::fence_async() {
    if (under_tsan()) return;  // AsyncProxy
    for (SharedArray& a : arrays_)
        if (a.in_use) copy_uninstrumented(a.async.data(), static_cast<const char*>(a.memory), a.bytes);
}

void SharedMemory::written_async(const void* pointer, size_t bytes) {
    auto* const a = const_cast<SharedArray*>(of(pointer, bytes));
    const auto* const first = static_cast<const char*>(pointer);
    const auto at = first - static_cast<const char*>(a->memory);
    std::memcpy(a->async.data() + at, first, bytes);
    if (under_tsan()) std::fill_n(a->loaded.begin() + at, bytes, true);
}

bool SharedMemory::loaded(const void* pointer, size_t bytes) const {
    const SharedArray* const a = of(pointer, bytes);
    if (!a) return false;
    const auto at = static_cast<const char*>(pointer) - static_cast<const char*>(a->memory);
    const auto from = a->loaded.begin() + at;
    return std::find(from, from + std::ptrdiff_t(bytes), false) == from + std::ptrdiff_t(bytes) &&
           seen_async(pointer, bytes);
}

bool SharedMemory::seen_async(const void* pointer, size_t bytes) const {
    const SharedArray* const a = of(pointer, bytes);
    const auto* const first = static_cast<const char*>(pointer);
    return !a || equal_uninstrumented(first, a->async.data() + (first - static_cast<const char*>(a->memory)), bytes);
}

unsigned SharedMemory::address_of(const void* pointer) const {
    const auto* first = static_cast<const char*>(pointer);
    for (const SharedArray& a : arrays_) {
        const auto* memory = static_cast<const char*>(a.memory);
        if (a.in_use && first >= memory && first < memory + a.bytes) return a.address + unsigned(first - memory);
    }
    return 0;  // not in an array
}

const char* SharedMemory::at(unsigned address, size_t bytes) const {
    for (const SharedArray& a : arrays_)
        if (a.in_use && address >= a.address && address - a.address + bytes <= a.bytes)
            return static_cast<const char*>(a.memory) + (address - a.address);
    return nullptr;
}

void* shared_array(const void* declaration, size_t bytes, size_t alignment, Location at) {
    const TsanIgnore ignore;
    return self("SHARED", at).on->shared.array(declaration, bytes, alignment, at);
}

void* dynamic_shared(Location at) {
    const TsanIgnore ignore;
    return self("DYNAMIC_SHARED", at).on->shared.array(nullptr, 0, dynamic_alignment, at);
}

void fence_async(Location at) {
    SharedMemory& shared = self("fence.proxy.async", at).on->shared;
    shared.proxy().fence();
    const TsanIgnore ignore;
    shared.fence_async();
}

}  // namespace gradus::emulator
