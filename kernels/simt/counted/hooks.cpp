// What code compiled with -fsanitize=thread calls at each access, in place of ThreadSanitizer: the accesses are counted. The return
// address is the place in the kernel. Atomics do what they say; the emulator counts them itself.
#include <cstdint>

#include "kernels/simt/counting.h"

using gradus::emulator::count_access;
using gradus::emulator::counting;

#define ACCESS(name, bytes, write)                                                              \
    void __tsan_##name(void* address) {                                                         \
        if (counting) count_access(__builtin_return_address(0), address, size_t(bytes), write); \
    }
#define READ_AND_WRITE(prefix, bytes)         \
    ACCESS(prefix##read##bytes, bytes, false) \
    ACCESS(prefix##write##bytes, bytes, true)
#define ACCESSES(bytes)               \
    READ_AND_WRITE(, bytes)           \
    READ_AND_WRITE(unaligned_, bytes) \
    READ_AND_WRITE(volatile_, bytes)  \
    READ_AND_WRITE(unaligned_volatile_, bytes)

#define ATOMIC_CHANGE(bits, name)                                                                        \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile void* address, uint##bits##_t value, int) {     \
        return __atomic_##name(static_cast<volatile uint##bits##_t*>(address), value, __ATOMIC_SEQ_CST); \
    }
#define COMPARE(bits, kind, weak)                                                                                    \
    bool __tsan_atomic##bits##_compare_exchange_##kind(volatile void* address, void* expected, uint##bits##_t value, \
                                                       int, int) {                                                   \
        return __atomic_compare_exchange_n(static_cast<volatile uint##bits##_t*>(address),                           \
                                           static_cast<uint##bits##_t*>(expected), value, weak, __ATOMIC_SEQ_CST,    \
                                           __ATOMIC_SEQ_CST);                                                        \
    }
#define ATOMICS(bits)                                                                                        \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile void* address, int) {                           \
        return __atomic_load_n(static_cast<const volatile uint##bits##_t*>(address), __ATOMIC_SEQ_CST);      \
    }                                                                                                        \
    void __tsan_atomic##bits##_store(volatile void* address, uint##bits##_t value, int) {                    \
        __atomic_store_n(static_cast<volatile uint##bits##_t*>(address), value, __ATOMIC_SEQ_CST);           \
    }                                                                                                        \
    uint##bits##_t __tsan_atomic##bits##_exchange(volatile void* address, uint##bits##_t value, int) {       \
        return __atomic_exchange_n(static_cast<volatile uint##bits##_t*>(address), value, __ATOMIC_SEQ_CST); \
    }                                                                                                        \
    ATOMIC_CHANGE(bits, fetch_add)                                                                           \
    ATOMIC_CHANGE(bits, fetch_sub)                                                                           \
    ATOMIC_CHANGE(bits, fetch_and)                                                                           \
    ATOMIC_CHANGE(bits, fetch_or)                                                                            \
    ATOMIC_CHANGE(bits, fetch_xor)                                                                           \
    COMPARE(bits, strong, false)                                                                             \
    COMPARE(bits, weak, true)

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
void __tsan_read_range(void* address, unsigned long bytes) {
    if (counting) count_access(__builtin_return_address(0), address, bytes, false);
}
void __tsan_write_range(void* address, unsigned long bytes) {
    if (counting) count_access(__builtin_return_address(0), address, bytes, true);
}

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

}  // extern "C"
