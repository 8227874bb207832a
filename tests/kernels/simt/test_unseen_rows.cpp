// What the backward pass of attention may read: the kernels of a GPU copy tiles of rows, and rows that no pair needs may be NaN.
#include "tests/kernels/table/attention.h"

using namespace gradus;
using namespace gradus::test;

// Those before and after all that count; in between they share tiles with others.
TEST_CASE("gradients of attention do not read queries without keys, nor keys that no query sees") {
    for (const Heads& h : {Heads{1, 75, 2, 1, 64}, Heads{1, 9, 1, 1, 128}})
        for (const bool of_keys : {true, false}) {
            const Side s = {tested().ops, DType::bf16, DType::bf16};
            const int Tk = 150, start = of_keys ? 3 : 0, seen = of_keys ? 67 : Tk, first = 2, end = h.T - 3;
            Mask mask = {"part of the queries or keys", Owned(DType::i32, {1, h.T}), Owned(DType::i32, {1, h.T})};
            for (int t = 0; t < h.T; ++t) {
                put(mask.lo, t, of_keys || t < end ? start : Tk);
                put(mask.hi, t, of_keys || t >= first ? seen : 0);
            }
            const Owned q = s.in(1, {h.T, h.H * h.D}), k = s.in(2, {Tk, h.D}), v = s.in(3, {Tk, h.D}),
                        d_y = s.in(4, q.shape);
            const SavedAttention saved = attention_forward(s, h, Tk, mask, {q, k, v}, 0.1);
            const auto gradients = [&] {
                const Owned d_q = s.out(q.shape), d_k = s.out(k.shape), d_v = s.out(v.shape);
                attention_backward(s, h, Tk, mask, {d_q, d_k, d_v}, d_y, {q, k, v}, saved, 0.1);
                return outputs(copy_of(d_q), copy_of(d_k), copy_of(d_v));
            };
            const Outputs clean = gradients();
            const auto spoil = [](const Owned& t, int64_t from, int64_t to) {
                for (int64_t i = 0; i < t.size(); ++i)
                    if (i / t.last() < from || i / t.last() >= to) put(t, i, NAN);
            };
            if (of_keys) spoil(k, start, seen), spoil(v, start, seen);
            else spoil(q, first, end), spoil(d_y, first, end);
            const Outputs dirty = gradients();
            for (size_t n = 0; n < clean.size(); ++n) REQUIRE(same_bits(clean[n], dirty[n]));
        }
}
