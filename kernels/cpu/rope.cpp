// Rope: the table row of a position is unpacked once for all heads of a row.
#include "kernels/rope.h"

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/rotation.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

template <class Scalar>
void rotate(const Rope& a, float direction) {
    const int64_t N = a.x.rows(), W = a.x.last(), R = a.rope_table.shape.dim[1];
    check_positions(a.positions, a.rope_table.shape.dim[0]);
    parallel(N, std::max<int64_t>(1, (1 << 13) / W), [&](int64_t first_row, int64_t last_row) {
        for (int64_t n = first_row; n < last_row; ++n)
            rotate_heads(a.x.as<Scalar>() + n * W, a.heads, a.D,
                         a.rope_table.as<float>() + a.positions.as<int32_t>()[n] * R * 2, R, a.layout, direction);
    });
}

}  // namespace

void rope_forward(const Rope& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { rotate<decltype(kind)>(a, 1); });
}

void rope_backward(const Rope& a, Stream) {
    by_dtype(a.x.dtype, [&](auto kind) { rotate<decltype(kind)>(a, -1); });
}

}  // namespace gradus::cpu
