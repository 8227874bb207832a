#pragma once
// Kernels whose counts are known (probes.cu), compiled for counting.
namespace gradus::counted {

void probe_strided(float* y, const float* x, int blocks, int stride, int offset);
void probe_packed(float* y, const float* x);
void probe_rows(float* y, const float* x, int rows, int C);
void probe_shared(float* y, int stride, int words);
void probe_matrix(float* y, bool swizzled);
void probe_copied(float* y, const float* x);
void probe_triangle(float* y, const float* x, int tiles, int heads);
void probe_sections(float* y, const float* x, int tiles, int heads, int section);

}  // namespace gradus::counted
