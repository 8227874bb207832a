#pragma once
// The memory of the CPU table: ordinary memory, aligned to a cache line, in huge pages where the block is large.
#include "kernels/tensor.h"

namespace gradus::cpu {

void* allocate(size_t bytes);  // Error that names the size and what to lower
void release(void* memory, size_t bytes);
void zero(void* memory, size_t bytes, Stream);
void copy(void* to, const void* from, size_t bytes, Stream);

}  // namespace gradus::cpu
