#pragma once
// Bytes that AddressSanitizer has forbidden to everybody, such as those of a copy in flight or the red zones of a stack, as the
// emulator itself must read them: to remember what they were, and to see whether they are still the same.
#include <cstddef>
#include <cstdint>

namespace gradus::emulator {

// `from` begins at a multiple of 8. volatile: no call of memcpy, which would be watched.
[[gnu::no_sanitize_address, gnu::noinline]] inline void copy_unwatched(char* to, const char* from, size_t bytes) {
    size_t at = 0;
    for (; at + 8 <= bytes; at += 8)
        *reinterpret_cast<volatile uint64_t*>(to + at) = *reinterpret_cast<const volatile uint64_t*>(from + at);
    for (; at < bytes; ++at) *const_cast<volatile char*>(to + at) = *const_cast<const volatile char*>(from + at);
}

[[gnu::no_sanitize_address, gnu::noinline]] inline bool same_unwatched(const char* a, const char* b, size_t bytes) {
    for (size_t at = 0; at < bytes; ++at)
        if (*const_cast<const volatile char*>(a + at) != *const_cast<const volatile char*>(b + at)) return false;
    return true;
}

}  // namespace gradus::emulator
