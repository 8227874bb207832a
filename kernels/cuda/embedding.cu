// Embedding on a GPU. The formulas are in kernels/embedding.h.
//
// Plan.
//   forward    One thread per 16 bytes of y; the threads of a row read consecutive channels of the tables.
//   backward   With the rows sorted: a sum over runs of rows with the same id, in parts of at least 32 rows. A thread has a few
//              channels of a part; neighbouring threads have neighbouring channels. Runs across parts leave partial sums in the
//              stream's workspace, which a second kernel adds. The parts depend only on N, C and the size of the workspace.
//              Without an order: one block per row n and 256 of its channels. The first row with an id adds all of them: a block
//              whose id occurs in an earlier row exits, the others search the later rows, 32 ids at a time, one per lane.
#include <type_traits>

#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/packs.h"
#include "kernels/embedding.h"

namespace gradus::DEVICE {

namespace {

// ---- channels ----------------------------------------------------------------------------------------------------

// `width` neighbouring channels of a row, of forward: a pack of 16 bytes, or one.
template <class Scalar, int width>
struct Channels {
    std::conditional_t<width == 1, Scalar, Pack<Scalar>> raw;

    __device__ void read(const Scalar* from) {
        if constexpr (width == 1) raw = *from;
        else raw = load_pack(from);
    }
    __device__ void add_to(float (&sum)[width]) const {
        if constexpr (width == 1) {
            sum[0] += float(raw);
        } else {
#pragma unroll
            for (int i = 0; i < width; ++i) sum[i] += float(raw[i]);
        }
    }
};

template <class Scalar, int width>
__device__ void write_channels(Scalar* to, const float (&x)[width]) {
    if constexpr (width == 1) *to = Scalar(x[0]);
    else store_pack(to, rounded_pack<Scalar>(x));
}

// What a thread sums: four channels, whose accesses have no gaps in rows of either dtype (packs.h), or one.
template <int width>
struct Floats {
    template <class Scalar>
    static __device__ void read(float (&x)[width], const Scalar* from) {
        if constexpr (width == 1) x[0] = float(*from);
        else read_four<true>(x, from, 0, four);
    }
    static __device__ void add(float (&sum)[width], const float* from) {
        float x[width];
        read(x, from);
#pragma unroll
        for (int i = 0; i < width; ++i) sum[i] += x[i];
    }
    static __device__ void store(float* to, const float (&x)[width]) {
        if constexpr (width == 1) *to = x[0];
        else write_four<true>(to, x, 0, four);
    }
};

// to += x; x becomes the sum.
template <int width>
__device__ void add_floats(float* to, float (&x)[width]) {
    Floats<width>::add(x, to);
    Floats<width>::store(to, x);
}

// ---- forward -----------------------------------------------------------------------------------------------------

template <class Scalar, int width>
__global__ void embedding_forward_kernel(Scalar* y, const int32_t* tokens, const Scalar* wte, const int32_t* positions,
                                         const Scalar* wpe, int64_t N, int64_t C, int64_t first_token, int64_t Vr,
                                         int64_t V, int64_t P) {
    const int64_t i = element() * width, n = i / C, c = i % C;
    if (n >= N) return;
    device_check(tokens[n] >= 0 && tokens[n] < V);
    const int64_t token = tokens[n] - first_token;
    Channels<Scalar, width> row;
    float sum[width] = {};
    if (token >= 0 && token < Vr) {
        row.read(wte + token * C + c);
        row.add_to(sum);
    }
    if (wpe) {
        device_check(positions[n] >= 0 && positions[n] < P);
        row.read(wpe + positions[n] * C + c);
        row.add_to(sum);
    }
    write_channels(y + i, sum);
}

// ---- backward, with the rows sorted -------------------------------------------------------------------------------

constexpr int rows_at_once = 8;           // loads in flight per thread
constexpr int64_t least_block_rows = 32;  // of a block; a multiple of rows_at_once

// Sorted row k is order[k], with the id ids[order[k]]. Adjacent ones with the same id are a run; each block takes `per_block` sorted
// rows. A run across an edge of blocks leaves partial sums, two rows per block: the head, of a run that began before the block, and
// the tail, of one that begins in it and goes on after it.
struct SortedRows {
    const int32_t *ids, *order;
    int64_t N, C, first, count, limit;  // the table has the ids [first, first + count) of `limit`
    int64_t per_block;

    __device__ int32_t row(int64_t k) const {
        const int32_t n = order[k];
        device_check(n >= 0 && n < N);
        return n;
    }
    __device__ int32_t id(int64_t k) const { return ids[row(k)]; }
    __device__ bool continues(int64_t k) const { return k > 0 && k < N && id(k) == id(k - 1); }
    __device__ bool in_table(int32_t id) const { return id >= first && id < first + count; }
    __device__ float* partial(float* sums, int64_t block, bool tail) const { return sums + (2 * block + tail) * C; }
};

template <int width>
__device__ int64_t own_channel() {
    return (int64_t(blockIdx.y) * blockDim.x + threadIdx.x) * width;
}

// One block per part of the sorted rows and of the channels. Runs within it are added to the table.
template <class Scalar, int width>
__global__ void __launch_bounds__(threads_per_block, 2)
    embedding_runs_kernel(float* d_table, float* sums, const Scalar* d_y, SortedRows rows) {
    const int64_t c = own_channel<width>(), block = blockIdx.x, begin = block * rows.per_block;
    const int64_t end = min(begin + rows.per_block, rows.N);
    if (c >= rows.C) return;
    bool began_before = rows.continues(begin);
    float sum[width] = {};
    for (int64_t k = begin; k < end; k += rows_at_once) {
        float batch[rows_at_once][width];
        int32_t ids[rows_at_once + 1];  // and the next one; −1: none
#pragma unroll
        for (int j = 0; j <= rows_at_once; ++j) ids[j] = k + j < rows.N ? rows.id(k + j) : -1;
#pragma unroll
        for (int j = 0; j < rows_at_once; ++j)
            if (k + j < end) Floats<width>::read(batch[j], d_y + rows.row(k + j) * rows.C + c);
#pragma unroll
        for (int j = 0; j < rows_at_once; ++j) {
            if (k + j >= end) break;
            device_check(ids[j] >= 0 && ids[j] < rows.limit);
#pragma unroll
            for (int i = 0; i < width; ++i) sum[i] += batch[j][i];
            const bool run_ends = ids[j + 1] != ids[j], block_ends = k + j + 1 == end;
            if (!run_ends && !block_ends) continue;
            if (rows.in_table(ids[j])) {
                if (began_before) Floats<width>::store(rows.partial(sums, block, false) + c, sum);
                else if (!run_ends) Floats<width>::store(rows.partial(sums, block, true) + c, sum);
                else add_floats(d_table + (ids[j] - rows.first) * rows.C + c, sum);
            }
            began_before = false;
#pragma unroll
            for (int i = 0; i < width; ++i) sum[i] = 0;
        }
    }
}

// One block per edge of two blocks of the first kernel: the first edge that a run crosses adds its partial sums, in order.
template <int width>
__global__ void __launch_bounds__(threads_per_block, 4)
    embedding_partial_sums_kernel(float* d_table, float* sums, SortedRows rows, int64_t blocks) {
    const int64_t c = own_channel<width>(), edge = blockIdx.x + 1, k = edge * rows.per_block;
    if (c >= rows.C || !rows.continues(k)) return;
    const int32_t id = rows.id(k);
    const int64_t before = k - rows.per_block;
    if (!rows.in_table(id) || (rows.id(before) == id && rows.continues(before))) return;

    int64_t last = edge, after = blocks;  // the last block that begins inside the run: the ids are sorted
    while (after - last > 1) {
        const int64_t middle = (last + after) / 2;
        if (rows.id(middle * rows.per_block) == id) last = middle;
        else after = middle;
    }
    float sum[width] = {};
    Floats<width>::add(sum, rows.partial(sums, edge - 1, true) + c);
#pragma unroll 4
    for (int64_t block = edge; block <= last; ++block) Floats<width>::add(sum, rows.partial(sums, block, false) + c);
    add_floats(d_table + (id - rows.first) * rows.C + c, sum);
}

// ---- backward, by search --------------------------------------------------------------------------------------------

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

struct Ids {
    const Tensor &ids, &order;
    int64_t first, limit;
};

template <class Scalar>
void add_by_search(const Tensor& d_table, const Tensor& d_y, const Ids& of, Stream s) {
    const int64_t N = d_y.rows(), C = d_y.last(), blocks_per_row = (C + threads_per_block - 1) / threads_per_block;
    launch(embedding_backward_kernel<Scalar>, blocks_for(N * blocks_per_row, 1), dim3(threads_per_block), 0, s,
           d_table.as<float>(), d_y.as<Scalar>(), of.ids.as<int32_t>(), N, C, of.first, d_table.rows(), of.limit,
           blocks_per_row);
}

template <class Scalar, int width>
void add_runs(const Tensor& d_table, const Tensor& d_y, const Ids& of, Stream s) {
    SortedRows rows = {
        of.ids.as<int32_t>(), of.order.as<int32_t>(), d_y.rows(), d_y.last(), of.first, d_table.rows(), of.limit,
        least_block_rows};
    const auto blocks = [&] { return (rows.N + rows.per_block - 1) / rows.per_block; };
    const auto room = int64_t(s.workspace_bytes / sizeof(float));  // for partial sums
    while (blocks() > 1 && 2 * blocks() * rows.C > room) rows.per_block *= 2;
    const int64_t packs = (rows.C + width - 1) / width;
    const auto threads = unsigned(std::min<int64_t>((packs + warp - 1) / warp * warp, threads_per_block));
    const dim3 channels = blocks_for(packs, threads);
    auto* const sums = static_cast<float*>(s.workspace);
    launch(embedding_runs_kernel<Scalar, width>, dim3(unsigned(blocks()), channels.x), dim3(threads), 0, s,
           d_table.as<float>(), sums, d_y.as<Scalar>(), rows);
    if (blocks() == 1) return;
    launch(embedding_partial_sums_kernel<width>, dim3(unsigned(blocks() - 1), channels.x), dim3(threads), 0, s,
           d_table.as<float>(), sums, rows, blocks());
}

template <class Scalar>
bool in_packs(std::initializer_list<Tensor> tensors, int64_t C) {
    return rows_aligned(tensors) && C % Pack<Scalar>::size == 0;
}

template <class Scalar>
void add_rows(const Tensor& d_table, const Tensor& d_y, const Ids& of, Stream s) {
    if (d_y.rows() == 0) return;
    if (!of.order) add_by_search<Scalar>(d_table, d_y, of, s);
    else if (in_packs<Scalar>({d_table, d_y}, d_y.last())) add_runs<Scalar, four>(d_table, d_y, of, s);
    else add_runs<Scalar, 1>(d_table, d_y, of, s);
}

}  // namespace

void embedding_forward(const EmbeddingForward& a, Stream s) {
    const int64_t N = a.y.rows(), C = a.y.last(), Vr = a.wte.rows(), V = a.V ? a.V : Vr;
    const int64_t P = a.wpe ? a.wpe.rows() : 0;
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const bool packs = in_packs<Scalar>({a.y, a.wte, a.wpe}, C);
        const auto kernel =
            packs ? embedding_forward_kernel<Scalar, Pack<Scalar>::size> : embedding_forward_kernel<Scalar, 1>;
        launch_elements(kernel, N * C / (packs ? Pack<Scalar>::size : 1), s, a.y.as<Scalar>(), a.tokens.as<int32_t>(),
                        a.wte.as<Scalar>(), a.positions.as<int32_t>(), a.wpe.as<Scalar>(), N, C, a.first_token, Vr, V,
                        P);
    });
}

void embedding_backward(const EmbeddingBackward& a, Stream s) {
    const int64_t V = a.V ? a.V : a.d_wte.rows();
    by_dtype(a.d_y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        add_rows<Scalar>(a.d_wte, a.d_y, {a.tokens, a.order, a.first_token, V}, s);
        if (a.d_wpe) add_rows<Scalar>(a.d_wpe, a.d_y, {a.positions, a.position_order, 0, a.d_wpe.rows()}, s);
    });
}

}  // namespace gradus::DEVICE
