// Ops of any backend that depend on positions: embedding and rope.
#include "kernels/embedding.h"
#include "kernels/rope.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the embedding and its gradient equal the reference, repeated tokens included") {
    for (const Rows& r : rows())
        for (bool placed : {false, true})
            compare(named("embedding", r), [=](const Side& s) {
                const int V = 5, P = 9;
                const Owned tokens = integers(1, {r.N}, 0, V), positions = integers(2, {r.N}, 0, P),
                            y = s.out({r.N, r.C}), d_y = s.in(3, {r.N, r.C});
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
                                          .positions = when(placed, positions)},
                                         {});
                return outputs(copy_of(y), copy_of(d_wte), copy_of(d_wpe));
            });
}

TEST_CASE("the ids of other ranks give rows of zeros and no gradient") {
    for (const Rows& r : rows())
        compare(named("embedding of a part", r), [=](const Side& s) {
            const int V = 9, first = 3, here = 4, P = 5;
            const Owned tokens = integers(1, {r.N}, 0, V), positions = integers(2, {r.N}, 0, P),
                        wpe = s.in(5, {P, r.C});
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
