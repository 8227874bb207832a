// Embedding: gathers rows of the tables, and scatter-adds their gradients.
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector.h"
#include "kernels/embedding.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

void check_ids(const char* what, const Tensor& ids, int64_t limit) {
    for (int64_t n = 0; n < ids.size(); ++n) {
        const int32_t id = ids.as<int32_t>()[n];
        CHECK(id >= 0 && id < limit,
              std::string(what) + " " + std::to_string(id) + " is not in [0, " + std::to_string(limit) + ")");
    }
}

// Each thread has a range of channels and adds the rows in order: no races, and a deterministic sum. The table holds the `count`
// rows from id `begin` on.
template <class Scalar>
void add_rows(float* table, int64_t begin, int64_t count, const int32_t* ids, const Scalar* rows, int64_t N,
              int64_t C) {
    parallel(C, std::max<int64_t>(16, (1 << 15) / N / 16 * 16), [&](int64_t first, int64_t last) {
        for (int64_t n = 0; n < N; ++n) {
            const int64_t row = ids[n] - begin;
            if (row < 0 || row >= count) continue;
            float* to = table + row * C + first;
            const Scalar* from = rows + n * C + first;
            sweep(last - first,
                  [&](int64_t c, auto lanes) { store(to + c, load(to + c, lanes) + load(from + c, lanes), lanes); });
        }
    });
}

}  // namespace

void embedding_forward(const EmbeddingForward& a, Stream) {
    const int64_t N = a.y.rows(), C = a.y.last(), Vr = a.wte.rows();
    check_ids("token", a.tokens, a.V ? a.V : Vr);
    if (a.wpe) check_ids("position", a.positions, a.wpe.rows());
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        parallel(N, std::max<int64_t>(1, (1 << 14) / C), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n) {
                Scalar* y = a.y.as<Scalar>() + n * C;
                const int64_t row = a.tokens.as<int32_t>()[n] - a.first_token;
                const Scalar* token = row >= 0 && row < Vr ? a.wte.as<Scalar>() + row * C : nullptr;
                const Scalar* position = a.wpe ? a.wpe.as<Scalar>() + a.positions.as<int32_t>()[n] * C : nullptr;
                sweep(C, [&](int64_t c, auto lanes) {
                    const Floats t = token ? load(token + c, lanes) : Floats{};
                    store(y + c, position ? t + load(position + c, lanes) : t, lanes);
                });
            }
        });
    });
}

void embedding_backward(const EmbeddingBackward& a, Stream) {
    const int64_t N = a.d_y.rows(), C = a.d_y.last();
    if (N == 0) return;
    check_ids("token", a.tokens, a.V ? a.V : a.d_wte.rows());
    if (a.d_wpe) check_ids("position", a.positions, a.d_wpe.rows());
    by_dtype(a.d_y.dtype, [&](auto kind) {
        const auto* d_y = a.d_y.as<decltype(kind)>();
        add_rows(a.d_wte.as<float>(), a.first_token, a.d_wte.rows(), a.tokens.as<int32_t>(), d_y, N, C);
        if (a.d_wpe) add_rows(a.d_wpe.as<float>(), 0, a.d_wpe.rows(), a.positions.as<int32_t>(), d_y, N, C);
    });
}

}  // namespace gradus::cpu
