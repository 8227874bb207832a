// Embedding on a GPU. The formulas are in kernels/embedding.h.
//
// Plan.
//   forward    One thread per element of y; the threads of a row read consecutive channels of the tables.
//   backward   One block per row n and 256 of its channels. Rows with the same id must be added in order, so the first row
//              with an id adds all of them: a block whose id occurs in an earlier row exits, the others search the later
//              rows. A warp compares 32 ids at a time, one per lane. No sort, no atomics, no workspace, and the order of the
//              formula.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/embedding.h"

namespace gradus::DEVICE {

namespace {

// ---- forward -----------------------------------------------------------------------------------------------------

template <class Scalar>
__global__ void embedding_forward_kernel(Scalar* y, const int32_t* tokens, const Scalar* wte, const int32_t* positions,
                                         const Scalar* wpe, int64_t N, int64_t C, int64_t first_token, int64_t Vr,
                                         int64_t V, int64_t P) {
    const int64_t i = element(), n = i / C, c = i % C;
    if (n >= N) return;
    device_check(tokens[n] >= 0 && tokens[n] < V);
    const int64_t token = tokens[n] - first_token;
    float sum = token >= 0 && token < Vr ? float(wte[token * C + c]) : 0.f;
    if (wpe) {
        device_check(positions[n] >= 0 && positions[n] < P);
        sum += float(wpe[positions[n] * C + c]);
    }
    y[i] = Scalar(sum);
}

// ---- backward ----------------------------------------------------------------------------------------------------

// The bit mask of the rows m, m + 1, …, m + 31 before `end` that have this id, in every lane.
__device__ unsigned rows_with(int32_t id, const int32_t* ids, int64_t m, int64_t end) {
    const int64_t mine = m + threadIdx.x % warp;
    return __ballot_sync(all_lanes, mine < end && ids[mine] == id);
}

__device__ bool occurs_before(int64_t n, const int32_t* ids) {
    for (int64_t m = 0; m < n; m += warp)
        if (rows_with(ids[n], ids, m, n)) return true;
    return false;
}

// d_table[ids[n] − first, c] += d_y[n,c]. The table has the rows [first, first + count) of `limit`.
template <class Scalar>
__global__ void embedding_backward_kernel(float* d_table, const Scalar* d_y, const int32_t* ids, int64_t N, int64_t C,
                                          int64_t first, int64_t count, int64_t limit, int64_t blocks_per_row) {
    const int64_t n = blockIdx.x / blocks_per_row;
    const int64_t c = blockIdx.x % blocks_per_row * blockDim.x + threadIdx.x;
    const int32_t id = ids[n];
    device_check(id >= 0 && id < limit);
    if (id < first || id >= first + count || occurs_before(n, ids)) return;

    float* const d_row = d_table + (id - first) * C;
    float sum = c < C ? d_row[c] : 0.f;
    for (int64_t m = n; m < N; m += warp) {
        unsigned same = rows_with(id, ids, m, N);
        for (int64_t k = m; same; same >>= 1, ++k)
            if (same & 1 && c < C) sum += float(d_y[k * C + c]);
    }
    if (c < C) d_row[c] = sum;
}

template <class Scalar>
void add_rows(const Tensor& d_table, const Tensor& d_y, const Tensor& ids, int64_t first, int64_t limit, Stream s) {
    const int64_t N = d_y.rows(), C = d_y.last(), blocks_per_row = (C + threads_per_block - 1) / threads_per_block;
    if (N == 0) return;
    launch(embedding_backward_kernel<Scalar>, blocks_for(N * blocks_per_row, 1), dim3(threads_per_block), 0, s,
           d_table.as<float>(), d_y.as<Scalar>(), ids.as<int32_t>(), N, C, first, d_table.rows(), limit,
           blocks_per_row);
}

}  // namespace

void embedding_forward(const EmbeddingForward& a, Stream s) {
    const int64_t N = a.y.rows(), C = a.y.last(), Vr = a.wte.rows(), V = a.V ? a.V : Vr;
    const int64_t P = a.wpe ? a.wpe.rows() : 0;
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(embedding_forward_kernel<Scalar>, N * C, s, a.y.as<Scalar>(), a.tokens.as<int32_t>(),
                        a.wte.as<Scalar>(), a.positions.as<int32_t>(), a.wpe.as<Scalar>(), N, C, a.first_token, Vr, V,
                        P);
    });
}

void embedding_backward(const EmbeddingBackward& a, Stream s) {
    const int64_t V = a.V ? a.V : a.d_wte.rows();
    by_dtype(a.d_y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        add_rows<Scalar>(a.d_wte, a.d_y, a.tokens, a.first_token, V, s);
        if (a.d_wpe) add_rows<Scalar>(a.d_wpe, a.d_y, a.positions, 0, a.d_wpe.rows(), s);
    });
}

}  // namespace gradus::DEVICE
