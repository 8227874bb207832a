#pragma once
// Hooks of the sanitizers. Every hook is a weak symbol, so one build of the emulator runs without a sanitizer, under
// AddressSanitizer or under ThreadSanitizer, whichever the program is linked with.
//
// The emulator's own .cpp files are compiled without -fsanitize=thread, because ThreadSanitizer must see the accesses of kernels
// only. They report to it through the functions below.
#include <cstddef>

extern "C" {
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
[[gnu::weak]] void __tsan_read_range(void* address, unsigned long bytes);
[[gnu::weak]] void __tsan_write_range(void* address, unsigned long bytes);
[[gnu::weak]] int __tsan_atomic32_fetch_add(volatile int* address, int term, int order);
[[gnu::weak]] void AnnotateIgnoreReadsBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreReadsEnd(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesEnd(const char* file, int line);
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t bytes);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, size_t* bytes);
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* address, size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* address, size_t bytes);
[[gnu::weak]] void __asan_loadN(void* address, size_t bytes);
[[gnu::weak]] void __asan_storeN(void* address, size_t bytes);
}

namespace gradus::emulator {

inline bool under_tsan() { return __tsan_create_fiber != nullptr; }
inline bool under_asan() { return __asan_poison_memory_region != nullptr; }

// ThreadSanitizer has two runtimes. In that of g++ 12 and older, creating a fiber costs more than a millisecond, so fibers are
// reused. In the newer one (clang 14, g++ 13) it is cheap, but a fiber that is idle while 255 others run loses its history, and
// with it reports, so fibers are not reused.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
constexpr bool fibers_are_expensive = true;
#else
constexpr bool fibers_are_expensive = false;
#endif

// Happens-before for ThreadSanitizer: all accesses before release(token) are ordered before those after a later acquire(token).
// The token is an address that identifies the pair; nothing is stored there.
inline void release(void* token) {
    if (__tsan_release) __tsan_release(token);
}
inline void acquire(void* token) {
    if (__tsan_acquire) __tsan_acquire(token);
}

// Both sanitizers treat these bytes as read or written by the running thread's own code.
inline void record_read(const void* address, size_t bytes) {
    if (under_tsan() && __tsan_read_range) __tsan_read_range(const_cast<void*>(address), bytes);
    if (__asan_loadN) __asan_loadN(const_cast<void*>(address), bytes);
}
inline void record_write(void* address, size_t bytes) {
    if (under_tsan() && __tsan_write_range) __tsan_write_range(address, bytes);
    if (__asan_storeN) __asan_storeN(address, bytes);
}

// The same for relaxed atomic updates of 4 bytes each. Nothing changes.
inline void record_atomics(void* address, size_t bytes) {
    for (size_t at = 0; under_tsan() && __tsan_atomic32_fetch_add && at < bytes; at += 4)
        __tsan_atomic32_fetch_add(reinterpret_cast<volatile int*>(static_cast<char*>(address) + at), 0,
                                  __ATOMIC_RELAXED);
    if (__asan_storeN) __asan_storeN(address, bytes);
}

// AddressSanitizer reports every access to these bytes.
inline void asan_poison(const void* address, size_t bytes) {
    if (__asan_poison_memory_region) __asan_poison_memory_region(address, bytes);
}
inline void asan_unpoison(const void* address, size_t bytes) {
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(address, bytes);
}

// While one of these exists, ThreadSanitizer ignores what the current thread reads, writes and allocates.
class TsanIgnore {
public:
    TsanIgnore() {
        if (!under_tsan()) return;
        ++depth;
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
    ~TsanIgnore() {
        if (under_tsan()) end();
    }
    TsanIgnore(const TsanIgnore&) = delete;
    TsanIgnore& operator=(const TsanIgnore&) = delete;

    static void end() {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
        --depth;
    }
    static inline int depth = 0;  // live objects on the current fiber; saved and restored by switch_fiber()
};

}  // namespace gradus::emulator
