#include <cstdint>

#include "kernels/simt/context.h"

// void gradus_switch_stack(void** save, void* load)
asm(R"(
.text
.globl gradus_switch_stack
.type gradus_switch_stack, @function
gradus_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size gradus_switch_stack, .-gradus_switch_stack
)");

extern "C" void gradus_switch_stack(void** save, void* load);

namespace gradus::emulator {

Context make_context(char* stack, size_t bytes, void (*entry)()) {
    // The first switch pops six registers and returns into entry. entry finds the stack as after a call: a return address (null,
    // where debuggers and unwinders stop) below a 16-byte boundary.
    void** top = reinterpret_cast<void**>((reinterpret_cast<uintptr_t>(stack) + bytes - 64) & ~uintptr_t(15));
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(entry);
    for (int preserved = 0; preserved < 6; ++preserved) *--top = nullptr;
    return {top};
}

void switch_context(Context& from, const Context& to) { gradus_switch_stack(&from.saved, to.saved); }

}  // namespace gradus::emulator
