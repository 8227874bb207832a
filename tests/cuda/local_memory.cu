// tests/cuda/ptxas.py must report this: the index into the array is known only at run time, so the array is in local memory.
__global__ void keeps_an_array_in_local_memory(float* y, const int* where, int n) {
    float numbers[64];
    for (int i = 0; i < 64; ++i) numbers[i] = float(i) * y[i];
    for (int i = 0; i < n; ++i) numbers[where[i] % 64] += y[i];
    for (int i = 0; i < 64; ++i) y[i] = numbers[where[i] % 64];
}
