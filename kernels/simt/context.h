#pragma once
// Context switches between stacks: suspend a function, run on another stack, resume later.
//
// context_x86_64.cpp pushes the callee-saved registers of the System V ABI (rbx, rbp, r12–r15), exchanges the stack pointer and
// pops them. It does not save floating-point control words, because kernels do not change them. Another architecture would save
// its own callee-saved registers (AArch64: x19–x30 and d8–d15); the portable context_ucontext.cpp uses the C library and is
// about twenty times slower. CMakeLists.txt chooses the file.
#include <cstddef>

namespace gradus::emulator {

struct Context {
    void* saved = nullptr;  // x86-64: the stack pointer; ucontext: a ucontext_t at the top of its stack
};

// A context that will call entry() on this stack when it is first switched to. entry must not return.
Context make_context(char* stack, size_t bytes, void (*entry)());

// Suspends the caller in `from` and resumes `to`.
void switch_context(Context& from, const Context& to);

}  // namespace gradus::emulator
