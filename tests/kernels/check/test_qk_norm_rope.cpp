#include "tests/kernels/check/argument_checks.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::argument_checks;

TEST_CASE("the checks of the norm and rotation of heads name every invalid argument") {
    TensorPool k;
    using F = QkNormRopeForward;
    const F f = {.y_q = k.f({N, H * D}),
                 .y_k = k.f({N, G * D}),
                 .q_rstd = k.f({N, H}),
                 .k_rstd = k.f({N, G}),
                 .q = k.f({N, H * D}),
                 .k = k.f({N, G * D}),
                 .q_gain = k.f({D}),
                 .k_gain = k.f({D}),
                 .positions = k.i({N}),
                 .rope_table = k.f({P, R, 2})};
    rejects_every_field(f, "qk_norm_rope_forward",
                        {FIELD(F, y_q), FIELD(F, y_k), FIELD(F, q_rstd), FIELD(F, k_rstd), FIELD(F, k_gain),
                         FIELD(F, positions), FIELD(F, rope_table)});
    rejects<F>(
        f,
        [&](F& a) {
            a.q = In(k.f({N, H * D + 1}));
        },
        "q has rows of 9 channels, must have heads of D = 2");
    rejects<F>(
        f, [](F& a) { a.eps = -1; }, "eps is -1, must be at least 0");
    rejects<F>(
        f, [](F& a) { a.y_q.data = Tensor(a.q).as<float>() + 1; }, "y_q overlaps a part of q");
    rejects<F>(
        f, [](F& a) { a.y_k.data = a.q.data; }, "y_k must not alias q");
    rejects<F>(
        f,
        [&](F& a) {
            a.rope_table = In(k.f({P, 2, 2}));
        },
        "2·R must not be above D = 2");

    using Bw = QkNormRopeBackward;
    const Bw b = {.d_q = k.f({N, H * D}),
                  .d_k = k.f({N, G * D}),
                  .d_q_gain = k.f({D}),
                  .d_k_gain = k.f({D}),
                  .d_y_q = k.f({N, H * D}),
                  .d_y_k = k.f({N, G * D}),
                  .q = f.q,
                  .k = f.k,
                  .q_gain = f.q_gain,
                  .k_gain = f.k_gain,
                  .q_rstd = k.f({N, H}),
                  .k_rstd = k.f({N, G}),
                  .positions = f.positions,
                  .rope_table = f.rope_table};
    rejects_every_field(
        b, "qk_norm_rope_backward",
        {FIELD(Bw, d_q), FIELD(Bw, d_k), FIELD(Bw, d_q_gain), FIELD(Bw, d_k_gain), FIELD(Bw, d_y_q), FIELD(Bw, d_y_k)});
    rejects<Bw>(
        b, [](Bw& a) { a.d_q.data = a.q.data; }, "d_q must not alias q");
    Bw in_place = b;
    in_place.d_q.data = b.d_y_q.data;
    REQUIRE_NOTHROW(check(in_place));
}
