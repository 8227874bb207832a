// Embedding: rows copied out of the tables, and gradients added back into them.
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vector.h"

namespace gradus::cpu {

namespace {

void check_ids(const char* what, const Tensor& ids, int64_t limit) {
    for (int64_t n = 0; n < ids.size(); ++n) {
        const int32_t id = ids.as<int32_t>()[n];
        CHECK(id >= 0 && id < limit,
              std::string(what) + " " + std::to_string(id) + " is not in [0, " + std::to_string(limit) + ")");
    }
}

// One thread has a stretch of channels and adds the rows in their order, so no two threads meet and the sum has one order.
template <class Scalar>
void add_rows(float* table, const int32_t* ids, const Scalar* rows, int64_t N, int64_t C) {
    parallel(C, std::max<int64_t>(16, (1 << 15) / N / 16 * 16), [&](int64_t first, int64_t last) {
        for (int64_t n = 0; n < N; ++n) {
            float* to = table + ids[n] * C + first;
            const Scalar* from = rows + n * C + first;
            sweep(last - first,
                  [&](int64_t c, auto lanes) { store(to + c, load(to + c, lanes) + load(from + c, lanes), lanes); });
        }
    });
}

}  // namespace

void embedding_forward(const EmbeddingForward& a, Stream) {
    const int64_t N = a.y.rows(), C = a.y.last();
    check_ids("token", a.tokens, a.wte.rows());
    if (a.wpe) check_ids("position", a.positions, a.wpe.rows());
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        parallel(N, std::max<int64_t>(1, (1 << 14) / C), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n) {
                Scalar* y = a.y.as<Scalar>() + n * C;
                const Scalar* token = a.wte.as<Scalar>() + a.tokens.as<int32_t>()[n] * C;
                const Scalar* position = a.wpe ? a.wpe.as<Scalar>() + a.positions.as<int32_t>()[n] * C : nullptr;
                sweep(C, [&](int64_t c, auto lanes) {
                    const Floats t = load(token + c, lanes);
                    store(y + c, position ? t + load(position + c, lanes) : t, lanes);
                });
            }
        });
    });
}

void embedding_backward(const EmbeddingBackward& a, Stream) {
    const int64_t N = a.d_y.rows(), C = a.d_y.last();
    if (N == 0) return;
    check_ids("token", a.tokens, a.d_wte.rows());
    if (a.d_wpe) check_ids("position", a.positions, a.d_wpe.rows());
    by_dtype(a.d_y.dtype, [&](auto kind) {
        const auto* d_y = a.d_y.as<decltype(kind)>();
        add_rows(a.d_wte.as<float>(), a.tokens.as<int32_t>(), d_y, N, C);
        if (a.d_wpe) add_rows(a.d_wpe.as<float>(), a.positions.as<int32_t>(), d_y, N, C);
    });
}

}  // namespace gradus::cpu
