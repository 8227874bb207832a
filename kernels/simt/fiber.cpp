#include "kernels/simt/fiber.h"

#include <sys/mman.h>

#include <new>

#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr unsigned without_order = 1;  // __tsan_switch_to_fiber_no_sync
constexpr size_t page = 4096;

Fiber* left = nullptr;  // the fiber before the last switch

// AddressSanitizer puts red zones around every variable; without it a few pages are enough.
size_t stack_bytes() { return (under_asan() ? 256 : 64) << 10; }

// With a guard page below the stack, where an overflow stops the program.
char* map_stack(size_t bytes) {
    void* memory =
        ::mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::mprotect(memory, page, PROT_NONE);
    return static_cast<char*>(memory) + page;
}

// Called on the new stack. AddressSanitizer reports the bounds of the previous stack: the only source for the host's.
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

FiberPool::~FiberPool() {
    for (Fiber* fiber : idle_) destroy(fiber);
}

Fiber* FiberPool::take() {
    const bool fresh = under_tsan() && (!fibers_are_expensive || unused_ == 0);
    if (!fibers_are_expensive && under_tsan())
        while (made_ >= budget && !idle_.empty()) {
            destroy(idle_.front());
            idle_.pop_front();
        }
    const bool make = idle_.empty() || (fresh && made_ < budget);
    if (!make) {
        // The last one that ran has its stack in the cache; ThreadSanitizer needs the one that has been idle longest.
        Fiber* fiber = under_tsan() ? idle_.front() : idle_.back();
        under_tsan() ? idle_.pop_front() : idle_.pop_back();
        if (unused_) --unused_;
        return fiber;
    }
    auto* fiber = new Fiber;
    fiber->bytes = stack_bytes();
    fiber->stack = map_stack(fiber->bytes);
    fiber->bottom = fiber->stack;
    fiber->context = make_context(fiber->stack, fiber->bytes, entry_);
    if (under_tsan()) fiber->tsan = __tsan_create_fiber(0);
    ++made_;
    return fiber;
}

void FiberPool::give(Fiber* fiber) { idle_.push_back(fiber); }

void FiberPool::destroy(Fiber* fiber) {
    asan_unpoison(fiber->stack, fiber->bytes);  // red zones of calls that never returned
    ::munmap(fiber->stack - page, fiber->bytes + page);
    if (fiber->tsan) {
        // ThreadSanitizer does not allow a thread to end while it ignores memory accesses.
        void* const caller = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(fiber->tsan, without_order);
        const int depth = TsanIgnore::depth;
        for (int i = 0; i < fiber->ignore; ++i) TsanIgnore::end();
        TsanIgnore::depth = depth;
        release(&ended);  // for a thread that never returned, because another failed
        __tsan_switch_to_fiber(caller, without_order);
        __tsan_destroy_fiber(fiber->tsan);
    }
    delete fiber;
    --made_;
}

void fiber_entered() { arrived_with(nullptr); }

void switch_fiber(Fiber& from, Fiber& to) {
    left = &from;
    if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.bytes);
    from.ignore = TsanIgnore::depth;
    TsanIgnore::depth = to.ignore;
    if (to.tsan) __tsan_switch_to_fiber(to.tsan, without_order);
    switch_context(from.context, to.context);
    arrived_with(from.fake_stack);
}

void adopt_host_stack(Fiber& host) {
    if (under_tsan()) host.tsan = __tsan_get_current_fiber();
}

}  // namespace gradus::emulator
