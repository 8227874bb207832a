#pragma once
// Copying and comparing memory without AddressSanitizer: the emulator itself must read poisoned bytes, such as the destination
// of a copy in flight or the red zones of a stack, to see whether they have changed.
#include <cstddef>
#include <cstdint>

namespace gradus::emulator {

// `from` is a multiple of 8. volatile prevents a call of memcpy, which AddressSanitizer intercepts.
[[gnu::no_sanitize_address, gnu::noinline]] inline void copy_uninstrumented(char* to, const char* from, size_t bytes) {
    size_t at = 0;
    for (; at + 8 <= bytes; at += 8)
        *reinterpret_cast<volatile uint64_t*>(to + at) = *reinterpret_cast<const volatile uint64_t*>(from + at);
    for (; at < bytes; ++at) *const_cast<volatile char*>(to + at) = *const_cast<const volatile char*>(from + at);
}

[[gnu::no_sanitize_address, gnu::noinline]] inline bool equal_uninstrumented(const char* a, const char* b,
                                                                             size_t bytes) {
    for (size_t at = 0; at < bytes; ++at)
        if (*const_cast<const volatile char*>(a + at) != *const_cast<const volatile char*>(b + at)) return false;
    return true;
}

}  // namespace gradus::emulator
