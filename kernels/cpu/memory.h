#pragma once
// Memory of the CPU backend: aligned to a cache line, large blocks in huge pages.
#include "kernels/tensor.h"

namespace gradus::cpu {

void* allocate(size_t bytes);  // Error: out of memory; names the size and what to lower
void release(void* memory, size_t bytes);
void zero(void* memory, size_t bytes, Stream);
void copy(void* to, const void* from, size_t bytes, Stream);

}  // namespace gradus::cpu
