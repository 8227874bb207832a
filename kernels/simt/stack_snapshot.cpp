#include "kernels/simt/stack_snapshot.h"

#include "kernels/simt/block.h"
#include "kernels/simt/uninstrumented.h"

namespace gradus::emulator {

[[gnu::noinline]] void StackSnapshot::take(const Thread& running) {
    constexpr uintptr_t unit = 16;
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) / unit * unit;
    first_ = reinterpret_cast<const char*>(here);
    const char* const end = running.fiber->stack + running.fiber->bytes;
    bytes_.resize(size_t(end - first_));
    copy_uninstrumented(bytes_.data(), first_, bytes_.size());
}

bool StackSnapshot::differs(const void* first, size_t bytes) const {
    const auto* const at = static_cast<const char*>(first);
    if (!first_ || at < first_ || at + bytes > first_ + bytes_.size()) return false;
    return !equal_uninstrumented(at, bytes_.data() + (at - first_), bytes);
}

}  // namespace gradus::emulator
