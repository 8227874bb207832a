// The matmuls of the CPU backend separately: packed, thin, and oneDNN's.
#include <cstring>

#include "kernels/cpu/matmul.h"
#include "kernels/cpu/onednn.h"
#include "tests/kernels/table/compare.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Sizes {
    int64_t N, I, O;
};

}  // namespace

TEST_CASE("matmuls of integers are exact on the CPU, for any transposition and blocking") {
    // Sums of at most 1,000 products below 9 are integers far below 2²⁴.
    for (const auto& [M, N, K] :
         std::vector<Sizes>{{1100, 37, 65}, {31, 3100, 65}, {40, 70, 1000}, {600, 3100, 9}, {540, 70, 1000}})
        for (DType dtype : {DType::f32, DType::bf16})
            for (bool a_transposed : {false, true})
                for (bool b_transposed : {false, true}) {
                    const Owned ints_a = integers(1, {M, K}, -3, 4), ints_b = integers(2, {K, N}, -3, 4);
                    const auto operand = [&](const Owned& ints, bool transposed) {
                        const int64_t rows = ints.shape.dim[0], columns = ints.shape.dim[1];
                        Owned t(dtype, transposed ? Shape{columns, rows} : Shape{rows, columns});
                        for (int64_t r = 0; r < rows; ++r)
                            for (int64_t c = 0; c < columns; ++c)
                                put(t, transposed ? c * rows + r : r * columns + c, at(ints, r * columns + c));
                        return t;
                    };
                    const Owned a = operand(ints_a, a_transposed), b = operand(ints_b, b_transposed),
                                out = poisoned(DType::f32, {M, N});
                    const auto view_of = [](const Owned& t, bool transposed) {
                        return transposed ? cpu::matrix(t).transposed() : cpu::matrix(t);
                    };
                    cpu::packed_matmul({.out = out.data,
                                        .dtype = DType::f32,
                                        .M = M,
                                        .N = N,
                                        .K = K,
                                        .a = view_of(a, a_transposed),
                                        .b = view_of(b, b_transposed)});
                    bool exact = true;
                    for (int64_t m = 0; m < M; ++m)
                        for (int64_t n = 0; n < N; ++n) {
                            int64_t sum = 0;
                            for (int64_t k = 0; k < K; ++k)
                                sum += int64_t(ints_a.as<int32_t>()[m * K + k]) * ints_b.as<int32_t>()[k * N + n];
                            exact = exact && out.as<float>()[m * N + n] == float(sum);
                        }
                    INFO(M << "x" << N << "x" << K << " " << name_of(dtype) << " " << a_transposed << b_transposed);
                    REQUIRE(exact);
                }
}

TEST_CASE("the symmetric matmul of a matrix and its transpose equals the full matmul, for any blocking") {
    for (const auto& [N, K] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 3}, {7, 5}, {45, 700}, {1100, 40}, {3100, 9}})
        for (bool transposed : {false, true}) {
            const Owned ints = integers(1, transposed ? Shape{K, N} : Shape{N, K}, -3, 4),
                        x = converted(ints, DType::f32);
            const Owned whole = poisoned(DType::f32, {N, N}), half = poisoned(DType::f32, {N, N});
            const cpu::Matrix a = transposed ? cpu::matrix(x).transposed() : cpu::matrix(x);
            cpu::Matmul p = {
                .out = whole.data, .dtype = DType::f32, .M = N, .N = N, .K = K, .a = a, .b = a.transposed()};
            cpu::packed_matmul(p);
            p.out = half.data;
            p.symmetric = true;
            cpu::packed_matmul(p);
            INFO(N << "x" << K << (transposed ? " transposed" : ""));
            REQUIRE(same_bits(half, whole));
        }
}

TEST_CASE("rows have the same bits in a matmul of few rows and in one of many, with a bias and a row stride") {
    const int64_t many = cpu::low_rows + 70, N = 45, K = 3 * 192 + 5, stride = N + 7;
    for (DType dtype : {DType::f32, DType::bf16})
        for (bool b_transposed : {false, true}) {
            const Owned a = random(1, dtype, {many, K}), bias = random(3, dtype, {N});
            const Owned b = random(2, dtype, {b_transposed ? N : K, b_transposed ? K : N});
            const auto product = [&](const Owned& out, int64_t M) {
                cpu::packed_matmul({.out = out.data,
                                    .dtype = dtype,
                                    .M = M,
                                    .N = N,
                                    .K = K,
                                    .a = cpu::matrix(a),
                                    .b = b_transposed ? cpu::matrix(b).transposed() : cpu::matrix(b),
                                    .bias = bias.data,
                                    .out_stride = stride});
            };
            const Owned whole = random(4, dtype, {many, stride});
            product(whole, many);
            for (int64_t M : {int64_t(1), int64_t(9), int64_t(14), int64_t(15), cpu::low_rows}) {
                const Owned few = random(4, dtype, {many, stride}), expected = random(4, dtype, {many, stride});
                product(few, M);
                std::memcpy(expected.data, whole.data, size_t(M * stride) * size_of(dtype));
                INFO(M << " rows, " << name_of(dtype) << (b_transposed ? ", transposed" : ""));
                REQUIRE(same_bits(few, expected));  // and what lies behind them is not written
            }
        }
}

TEST_CASE("oneDNN's matmul agrees with the packed one, with bias, accumulation and transposed operands") {
    const int64_t M = 70, N = 45, K = 390;
    for (DType dtype : {DType::f32, DType::bf16}) {
        if (dtype == DType::bf16 && !cpu::multiplies_bf16()) {
            WARN("this machine has no bf16 instructions: only f32 is compared");
            continue;
        }
        for (bool a_transposed : {false, true})
            for (bool b_transposed : {false, true})
                for (bool accumulate : {false, true}) {
                    const Owned a = random(1, dtype, {a_transposed ? K : M, a_transposed ? M : K});
                    const Owned b = random(2, dtype, {b_transposed ? N : K, b_transposed ? K : N}),
                                bias = random(3, dtype, {N});
                    const DType type = accumulate ? DType::f32 : dtype;
                    const int64_t width = accumulate ? N : N + 7;  // row stride of out
                    const Owned mine = random(4, type, {M, width}), theirs = random(4, type, {M, width});
                    const auto product = [&](const Owned& out) {
                        return cpu::Matmul{.out = out.data,
                                           .dtype = type,
                                           .M = M,
                                           .N = N,
                                           .K = K,
                                           .a = a_transposed ? cpu::matrix(a).transposed() : cpu::matrix(a),
                                           .b = b_transposed ? cpu::matrix(b).transposed() : cpu::matrix(b),
                                           .bias = accumulate ? nullptr : bias.data,
                                           .accumulate = accumulate,
                                           .out_stride = width};
                    };
                    cpu::packed_matmul(product(mine));
                    cpu::onednn_matmul(product(theirs));
                    cpu::onednn_matmul(product(accumulate ? mine : theirs));  // uses the cached primitive
                    if (accumulate) cpu::packed_matmul(product(theirs));
                    REQUIRE(difference("oneDNN", theirs, mine, 4 * rounding_of(type), 1e-4) == "");
                }
    }
}
