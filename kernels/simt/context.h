#pragma once
// Two stacks, one processor: leave a function in the middle, run on another stack, and come back later.
//
// context_x86_64.cpp does it with the seven instructions it takes: what a function must preserve by the System V ABI
// (rbx, rbp, r12–r15) is pushed, the stack pointer is exchanged, and the same is popped. Floating-point control words are
// left alone, because kernels do not change them. Another architecture needs the same for its own preserved registers
// (AArch64: x19–x30 and d8–d15); until somebody writes it, context_ucontext.cpp does it with the C library, twenty times
// slower. CMakeLists.txt chooses the file.
#include <cstddef>

namespace gradus::emulator {

struct Context {
    void* saved = nullptr;  // x86-64: the stack pointer; ucontext: a ucontext_t at the top of its stack
};

// A context that will call entry() on this stack when it is first switched to. entry must not return.
Context make_context(char* stack, size_t bytes, void (*entry)());

// Leaves `from` here and goes on where `to` was left.
void switch_context(Context& from, const Context& to);

}  // namespace gradus::emulator
