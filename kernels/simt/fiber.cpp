#include "kernels/simt/fiber.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr unsigned without_order = 1;  // __tsan_switch_to_fiber_no_sync
constexpr size_t page = 4096;

Fiber* left = nullptr;  // whom the last switch came from

// AddressSanitizer puts red zones around every variable; otherwise a kernel and what it calls need a few pages.
size_t stack_bytes() { return (under_asan() ? 256 : 64) << 10; }

// A page below the stack may not be touched, so that a stack that grows too large stops the program there.
char* map_stack(size_t bytes) {
    void* memory =
        ::mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::mprotect(memory, page, PROT_NONE);
    return static_cast<char*>(memory) + page;
}

// Stacks are kept for the next fiber. Not under ThreadSanitizer, which would take the next thread's variables for the last
// one's: what is freed and allocated again has no past.
std::vector<char*>& spare_stacks() {
    static std::vector<char*> spare;
    return spare;
}

char* take_stack() {
    if (under_tsan()) return static_cast<char*>(std::malloc(stack_bytes()));
    if (spare_stacks().empty()) return map_stack(stack_bytes());
    char* stack = spare_stacks().back();
    spare_stacks().pop_back();
    return stack;
}

void give_stack(char* stack) {
    if (under_tsan()) return std::free(stack);
    allow(stack, stack_bytes());  // red zones of calls that never returned
    spare_stacks().push_back(stack);
}

// ThreadSanitizer gives the number of a fiber that is gone to a new one, and would then take the two for one thread: they are
// kept until many others have come.
void retire(void* tsan) {
    constexpr size_t kept = 3000;
    static std::vector<void*> retired;
    static size_t next = 0;
    if (retired.size() < kept) {
        retired.push_back(tsan);
        return;
    }
    __tsan_destroy_fiber(retired[next]);
    retired[next] = tsan;
    next = (next + 1) % kept;
}

// On the new stack: AddressSanitizer says where the one that was left lies, which nobody else knows of the host's.
void arrived_with(void* fake_stack) {
    if (!__sanitizer_finish_switch_fiber) return;
    const void* bottom = nullptr;
    size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake_stack, &bottom, &bytes);
    if (left->stack) return;
    left->bottom = bottom;
    left->bytes = bytes;
}

}  // namespace

Fiber* make_fiber(void (*entry)()) {
    auto* fiber = new Fiber;
    fiber->stack = take_stack();
    fiber->bottom = fiber->stack;
    fiber->bytes = stack_bytes();
    fiber->context = make_context(fiber->stack, fiber->bytes, entry);
    if (under_tsan()) fiber->tsan = __tsan_create_fiber(0);
    return fiber;
}

void destroy_fiber(Fiber* fiber) {
    give_stack(fiber->stack);
    if (fiber->tsan) retire(fiber->tsan);
    delete fiber;
}

void fiber_entered() { arrived_with(nullptr); }

void switch_fiber(Fiber& from, Fiber& to, bool leaving_for_good) {
    left = &from;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(leaving_for_good ? nullptr : &from.fake_stack, to.bottom, to.bytes);
    if (to.tsan) __tsan_switch_to_fiber(to.tsan, without_order);
    switch_context(from.context, to.context);
    arrived_with(from.fake_stack);
}

void adopt_host_stack(Fiber& host) {
    if (under_tsan()) host.tsan = __tsan_get_current_fiber();
}

}  // namespace gradus::emulator
