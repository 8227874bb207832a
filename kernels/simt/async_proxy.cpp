#include "kernels/simt/async_proxy.h"

#include "kernels/simt/sanitizer.h"
#include "kernels/simt/shared.h"

namespace gradus::emulator {

namespace {

// ThreadSanitizer orders a fiber after its creator, so it is created before any thread of a block has run.
void* proxy_fiber() {
    static void* const only_one = __tsan_create_fiber(0);
    return only_one;
}

}  // namespace

void AsyncProxy::fence() {
    if (!under_tsan()) return;
    proxy_fiber();
    release(&fences_);
}

void AsyncProxy::read(const SharedMemory& shared, const char* first, size_t bytes) {
    if (!under_tsan() || shared.loaded(first, bytes)) return;
    constexpr unsigned without_order = 1;
    void* const thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(proxy_fiber(), without_order);
    acquire(&fences_);
    record_read(first, bytes);
    release(&reads_);
    __tsan_switch_to_fiber(thread, without_order);
}

void AsyncProxy::read_is_over() { acquire(&reads_); }

}  // namespace gradus::emulator
