// Ops of any backend that depend on positions: embedding and rope.
#include "kernels/embedding.h"
#include "kernels/rope.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Owned sorted(const Tensor& ids) {
    Owned order(DType::i32, {ids.size()});
    sorted_rows(order.as<int32_t>(), ids.as<int32_t>(), ids.size());
    return order;
}

}  // namespace

TEST_CASE("the embedding and its gradient equal the reference, repeated tokens included") {
    for (const Rows& r : rows())
        for (bool placed : {false, true})
            compare(named("embedding", r), [=](const Side& s) {
                const int V = 5, P = 9;
                const Owned tokens = integers(1, {r.N}, 0, V), positions = integers(2, {r.N}, 0, P),
                            order = sorted(tokens), position_order = sorted(positions), y = s.out({r.N, r.C}),
                            d_y = s.in(3, {r.N, r.C});
                const Owned wte = s.in(4, {V, r.C}), wpe = s.in(5, {P, r.C}), d_wte = s.sum(6, {V, r.C}),
                            d_wpe = s.sum(7, {P, r.C});
                s.ops.embedding_forward({.y = y,
                                         .tokens = tokens,
                                         .wte = wte,
                                         .positions = when(placed, positions),
                                         .wpe = when(placed, wpe)},
                                        {});
                s.ops.embedding_backward({.d_wte = d_wte,
                                          .d_wpe = when(placed, d_wpe),
                                          .d_y = d_y,
                                          .tokens = tokens,
                                          .positions = when(placed, positions),
                                          .order = order,
                                          .position_order = when(r.N % 2, position_order)},
                                         {});
                return outputs(copy_of(y), copy_of(d_wte), copy_of(d_wpe));
            });
}

TEST_CASE("the gradients of ids that occur in hundreds of rows, once, or in neighbouring blocks are added in parts") {
    const int64_t N = tested().slow ? 101 : 333, C = 24, V = 40;
    for (int kind = 0; kind < 3; ++kind)
        compare("embedding_backward of " + std::to_string(kind), [=](const Side& s) {
            const Owned random_ids = integers(1, {N}, 0, int(V));
            const Owned tokens = made(DType::i32, {N}, [&](int64_t n) {
                if (kind == 0) return 17.0;                                // all rows
                if (kind == 1) return double(n * 7 % N / 32);              // as many rows as a block has
                return n % 3 ? at(random_ids, n) : double(n % 2 ? 3 : 4);  // two in a third of the rows
            });
            const Owned order = sorted(tokens), d_y = s.in(3, {N, C}), d_wte = s.sum(6, {V, C});
            s.ops.embedding_backward({.d_wte = d_wte, .d_y = d_y, .tokens = tokens, .order = order}, {});
            return outputs(copy_of(d_wte));
        });
}

TEST_CASE("without device memory for partial sums, or with little, the gradient of the embedding is as exact") {
    const int64_t N = tested().slow ? 70 : 200, C = 8, V = 6;
    const Ops& device = tested().device;
    const Owned tokens = integers(1, {N}, 0, int(V)), order = sorted(tokens), d_y = random(2, DType::f32, {N, C}),
                want = filled(DType::f32, {V, C}, 0);
    reference_ops().embedding_backward({.d_wte = want, .d_y = d_y, .tokens = tokens}, {});
    const auto on_device = [&](const Tensor& t) {
        Tensor copy = {device.allocate(t.bytes()), t.dtype, t.shape};
        device.copy_to_device(copy.data, t.data, t.bytes(), {});
        return copy;
    };
    for (size_t bytes : {size_t(0), size_t(4 * C), size_t(24 * C), size_t(1) << 20}) {
        const Owned got = filled(DType::f32, {V, C}, 0);
        const Tensor there[] = {on_device(got), on_device(d_y), on_device(tokens), on_device(order)};
        void* const workspace = device.allocate(bytes + 1);
        device.embedding_backward({.d_wte = there[0], .d_y = there[1], .tokens = there[2], .order = there[3]},
                                  {nullptr, bytes ? workspace : nullptr, bytes});
        device.copy_to_host(got.data, there[0].data, got.bytes(), {});
        device.synchronise({});
        for (const Tensor& t : there) device.release(t.data, t.bytes());
        device.release(workspace, bytes + 1);
        REQUIRE(difference("d_wte", got, want, 1e-5, 1e-5) == "");
    }
}

TEST_CASE("rows are sorted by id, and rows of one id keep their order") {
    for (int64_t N : {0, 1, 700})
        for (int limit : {1, 3, 5000, 1 << 30}) {
            const Owned ids = integers(4, {std::max<int64_t>(N, 1)}, 0, limit), order = sorted(ids.part(0, N));
            std::vector<int32_t> want(size_t(N), 0);
            for (int64_t n = 0; n < N; ++n) want[size_t(n)] = int32_t(n);
            std::stable_sort(want.begin(), want.end(), [&](int32_t a, int32_t b) { return at(ids, a) < at(ids, b); });
            for (int64_t n = 0; n < N; ++n) REQUIRE(at(order, n) == want[size_t(n)]);
        }
}

TEST_CASE("the ids of other ranks give rows of zeros and no gradient") {
    for (const Rows& r : rows())
        compare(named("embedding of a part", r), [=](const Side& s) {
            const int V = 9, first = 3, here = 4, P = 5;
            const Owned tokens = integers(1, {r.N}, 0, V), positions = integers(2, {r.N}, 0, P),
                        wpe = s.in(5, {P, r.C}), order = sorted(tokens), position_order = sorted(positions);
            const Owned y = s.out({r.N, r.C}), d_y = s.in(3, {r.N, r.C}), wte = s.in(4, {here, r.C}),
                        d_wte = s.sum(6, {here, r.C}), d_wpe = s.sum(7, {P, r.C});
            s.ops.embedding_forward({.y = y,
                                     .tokens = tokens,
                                     .wte = wte,
                                     .positions = positions,
                                     .wpe = wpe,
                                     .first_token = first,
                                     .V = V},
                                    {});
            s.ops.embedding_backward({.d_wte = d_wte,
                                      .d_wpe = d_wpe,
                                      .d_y = d_y,
                                      .tokens = tokens,
                                      .positions = positions,
                                      .order = when(r.C % 2, order),
                                      .position_order = position_order,
                                      .first_token = first,
                                      .V = V},
                                     {});
            return outputs(copy_of(y), copy_of(d_wte), copy_of(d_wpe));
        });
}

TEST_CASE("rope is as exact as the naive formula in both layouts, for full and partial rotation") {
    struct Rotation {
        int64_t N, W;
        int heads, D, R;
    };
    for (const Rotation& c : std::vector<Rotation>{
             {1, 2, 1, 2, 1}, {5, 40, 2, 16, 8}, {3, 100, 4, 20, 6}, {3, 104, 3, 32, 8}, {120, 300, 2, 140, 70}})
        for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
            for (bool forward : {true, false})
                compare("rope", [=](const Side& s) {
                    const int P = 7;
                    const Owned x = s.in(1, {c.N, c.W}), positions = integers(2, {c.N}, 0, P),
                                rope_table = s.sum(3, {P, c.R, 2});
                    (forward ? s.ops.rope_forward : s.ops.rope_backward)({.x = x,
                                                                          .positions = positions,
                                                                          .rope_table = rope_table,
                                                                          .heads = c.heads,
                                                                          .D = c.D,
                                                                          .layout = layout},
                                                                         {});
                    return outputs(copy_of(x));
                });
}
