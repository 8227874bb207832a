#pragma once
// The sanitizers, asked politely: every hook is a weak symbol, so one build of the emulator runs with none of them, under
// AddressSanitizer or under ThreadSanitizer, whichever the program is linked with.
//
// The emulator's own .cpp files are compiled without -fsanitize=thread: what they do is not what a kernel does. ThreadSanitizer
// hears from them only through the calls below.
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

// ThreadSanitizer came in two generations. In the one of g++ 12 and before, making a fiber costs more than a millisecond. In
// the one after (clang 14, g++ 13) it is cheap, but a fiber that rests while 255 others run loses its past, and with it
// reports. So fibers are used again there, and made anew here.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
constexpr bool fibers_are_dear = true;
#else
constexpr bool fibers_are_dear = false;
#endif

// Order between threads, in ThreadSanitizer's terms: what was done before release(token) is visible after a later
// acquire(token). The address is only a name.
inline void release(void* token) {
    if (__tsan_release) __tsan_release(token);
}
inline void acquire(void* token) {
    if (__tsan_acquire) __tsan_acquire(token);
}

// The current thread reads or writes these bytes: both sanitizers look at it as if the kernel's own code did.
inline void reads(const void* address, size_t bytes) {
    if (__tsan_read_range) __tsan_read_range(const_cast<void*>(address), bytes);
    if (__asan_loadN) __asan_loadN(const_cast<void*>(address), bytes);
}
inline void writes(void* address, size_t bytes) {
    if (__tsan_write_range) __tsan_write_range(address, bytes);
    if (__asan_storeN) __asan_storeN(address, bytes);
}

// AddressSanitizer reports every access to these bytes.
inline void forbid(const void* address, size_t bytes) {
    if (__asan_poison_memory_region) __asan_poison_memory_region(address, bytes);
}
inline void allow(const void* address, size_t bytes) {
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(address, bytes);
}

// While one of these lives, ThreadSanitizer does not look at what the current thread reads, writes and allocates.
class Hidden {
public:
    Hidden() {
        if (!under_tsan()) return;
        ++depth;
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
    ~Hidden() {
        if (under_tsan()) end();
    }
    Hidden(const Hidden&) = delete;
    Hidden& operator=(const Hidden&) = delete;

    static void end() {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
        --depth;
    }
    static inline int depth = 0;  // of those alive on the current fiber: a switch exchanges it
};

}  // namespace gradus::emulator
