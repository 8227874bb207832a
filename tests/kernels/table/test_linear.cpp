// Linear of any backend against the reference.
#include "kernels/linear.h"
#include "kernels/linear_activation.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Sizes {
    int64_t N, I, O;
};

// One row to several blocks, no multiples of a tile, panel or block. Widths that are multiples of 8 allow the 16-byte accesses of
// tensor cores. The last ones are split over threads or blocks.
std::vector<Sizes> sizes() {
    if (tested().slow) return {{1, 1, 1}, {1, 7, 33}, {2, 65, 9}, {9, 1, 5}, {13, 19, 1}, {33, 17, 65}, {19, 72, 24}};
    return {{1, 1, 1},    {1, 7, 33},    {2, 65, 9},     {3, 40, 17}, {5, 100, 31},  {8, 129, 50},
            {9, 1, 5},    {13, 19, 1},   {33, 17, 65},   {1, 8, 16},  {70, 136, 72}, {3, 264, 8},
            {29, 24, 80}, {70, 390, 40}, {61, 130, 150}, {5, 1096, 8}};
}

// Calls run() with each matmul of the backend: after the library's with all sizes, the kernels of kernels/cuda/matmul/, which take
// longer in the emulator, with some of each kind.
template <class Run>
void each_matmul(const Run& run) {
    for (const MatmulKernel kernel : tested().matmuls) {
        const WithMatmul now(kernel);
        INFO("matmul " << int(kernel));
        const bool own = kernel == MatmulKernel::own && !tested().slow;
        for (const Sizes& each :
             own ? std::vector<Sizes>{{1, 7, 33}, {9, 1, 5}, {33, 17, 65}, {1, 8, 16}, {70, 136, 72}, {5, 1096, 8}}
                 : sizes())
            run(each.N, each.I, each.O);
    }
}

}  // namespace

TEST_CASE("linear forward is as exact as the naive formula, with and without a bias") {
    each_matmul([](int64_t N, int64_t I, int64_t O) {
        for (bool biased : {false, true})
            compare("linear_forward " + std::to_string(N) + "x" + std::to_string(I) + "x" + std::to_string(O),
                    [=](const Side& s) {
                        const Owned x = s.in(1, {N, I}), w = s.in(2, {O, I}), b = s.in(3, {O}), y = s.out({N, O});
                        s.ops.linear_forward({.y = y, .x = x, .w = w, .b = biased ? Opt(b) : Opt()}, {});
                        return outputs(copy_of(y));
                    });
    });
}

TEST_CASE("the gradient of a linear's input is as exact as the naive formula") {
    each_matmul([](int64_t N, int64_t I, int64_t O) {
        compare("linear_backward_input", [=](const Side& s) {
            const Owned d_y = s.in(1, {N, O}), w = s.in(2, {O, I}), d_x = s.out({N, I});
            s.ops.linear_backward_input({.d_x = d_x, .d_y = d_y, .w = w}, {});
            return outputs(copy_of(d_x));
        });
    });
}

TEST_CASE("the gradients of a linear's weight and bias accumulate") {
    each_matmul([](int64_t N, int64_t I, int64_t O) {
        for (bool biased : {false, true})
            compare("linear_backward_weight", [=](const Side& s) {
                const Owned d_y = s.in(1, {N, O}), x = s.in(2, {N, I}), d_w = s.sum(3, {O, I}), d_b = s.sum(4, {O});
                s.ops.linear_backward_weight({.d_w = d_w, .d_b = biased ? Opt(d_b) : Opt(), .d_y = d_y, .x = x}, {});
                return outputs(copy_of(d_w), copy_of(d_b));
            });
    });
}

TEST_CASE("the gradient of a linear's bias adds up many rows in parts, as many as the workspace has room for") {
    const int64_t N = 150, I = 3;
    for (int64_t O : {1, 72, 333})
        for (int64_t gap : tested().slow ? std::vector<int64_t>{1, 8} : std::vector<int64_t>{0, 1, 8})
            for (int64_t room : {0, 2, 100}) {
                const Workspace small(size_t(room * O) * 2 * sizeof(float));
                compare("linear_backward_weight", [=](const Side& s) {
                    const WithGaps d_y = with_gaps(s.in(1, {N, O}), NAN, 0, gap);
                    const Owned x = s.in(2, {N, I}), d_w = s.sum(3, {O, I}), d_b = s.sum(4, {O});
                    s.ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = d_y.view(), .x = x}, {});
                    return outputs(copy_of(d_b));
                });
            }
}

TEST_CASE("the gradient of a linear's weight overwrites what was there if asked to, and that of the bias accumulates") {
    each_matmul([](int64_t N, int64_t I, int64_t O) {
        compare("linear_backward_weight", [=](const Side& s) {
            const Owned d_y = s.in(1, {N, O}), x = s.in(2, {N, I}), d_w = s.statistic({O, I}), d_b = s.sum(4, {O});
            s.ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = d_y, .x = x, .overwrite = true}, {});
            return outputs(copy_of(d_w), copy_of(d_b));
        });
    });
}

TEST_CASE("a linear reads and writes strided views as exactly as contiguous matrices, and leaves gaps alone") {
    each_matmul([](int64_t N, int64_t I, int64_t O) {
        compare("linear of views", [=](const Side& s) {
            const Owned x = s.in(1, {N, I}), w = s.in(2, {O, I}), b = s.in(3, {O});
            const Owned d_x = s.out({N, I}), d_w = s.sum(4, {O, I}), d_b = s.sum(5, {O});
            WithGaps y = with_gaps(s.out({N, O}), 7.5);
            const WithGaps d_y = with_gaps(s.in(6, {N, O}), NAN);
            s.ops.linear_forward({.y = y.view(), .x = x, .w = w, .b = b}, {});
            s.ops.linear_backward_input({.d_x = d_x, .d_y = d_y.view(), .w = w}, {});
            s.ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = d_y.view(), .x = x}, {});
            return outputs(std::move(y.whole), copy_of(d_x), copy_of(d_w), copy_of(d_b));
        });
    });
}

TEST_CASE("a linear with its activation is as exact as the two naive formulas, for every activation") {
    each_matmul([](int64_t N, int64_t I, int64_t O) {
        for (const Activation kind : {Activation::gelu_tanh, Activation::gelu_erf, Activation::silu, Activation::relu})
            for (const bool biased : {false, true})
                compare("linear_activation " + std::to_string(int(kind)), [=](const Side& s) {
                    const Owned x = s.in(1, {N, I}), w = s.in(2, {O, I}, 1 / std::sqrt(double(I))), b = s.in(3, {O});
                    const Owned y = s.out({N, O}), pre = s.out({N, O});
                    s.ops.linear_activation_forward(
                        {.y = y, .pre = pre, .x = x, .w = w, .b = biased ? Opt(b) : Opt(), .kind = kind}, {});
                    if (biased) return outputs(copy_of(y), copy_of(pre));

                    const Owned d_pre = s.out({N, I}), d_y = s.in(4, {N, O});
                    s.ops.linear_activation_backward({.d_pre = d_pre, .d_y = d_y, .w = w, .pre = x, .kind = kind}, {});
                    return outputs(copy_of(y), copy_of(pre), copy_of(d_pre));
                });
    });
}
