#include <ucontext.h>

#include <cstdint>

#include "kernels/simt/context.h"

namespace gradus::emulator {

Context make_context(char* stack, size_t bytes, void (*entry)()) {
    const uintptr_t top = (reinterpret_cast<uintptr_t>(stack) + bytes - sizeof(ucontext_t)) & ~uintptr_t(63);
    auto* context = reinterpret_cast<ucontext_t*>(top);
    ::getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = top - reinterpret_cast<uintptr_t>(stack);
    context->uc_link = nullptr;
    ::makecontext(context, entry, 0);
    return {context};
}

void switch_context(Context& from, const Context& to) {
    ucontext_t here;
    from.saved = &here;  // on the suspended stack: it lives until `from` is resumed
    ::swapcontext(&here, static_cast<ucontext_t*>(to.saved));
}

}  // namespace gradus::emulator
