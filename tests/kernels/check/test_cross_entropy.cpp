#include "tests/kernels/check/argument_checks.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::argument_checks;

namespace {

const StepValues values;

CrossEntropyBackward cross_entropy_backward(TensorPool& k) {
    return {.logits = k.f({N, V}),
            .lse = k.f({N}),
            .targets = k.i({N}),
            .coefficient = k.f({N}),
            .V = V,
            .step_values = &values};
}

}  // namespace

TEST_CASE("the checks of cross-entropy name every invalid argument") {
    TensorPool k;
    using St = CrossEntropyStats;
    const St s = {.stats = k.f({N, 4}), .logits = k.f({N, V}), .targets = k.i({N})};
    rejects_every_field(s, "cross_entropy_stats", {FIELD(St, stats), FIELD(St, logits), FIELD(St, targets)});
    rejects<St>(
        s, [](St& a) { a.vocab_offset = -1; }, "vocab_offset is -1");

    using F = CrossEntropyForward;
    const F f = {
        .loss = k.f({N}), .lse = k.f({N}), .log_prob = k.f({N}), .stats = k.f({N, 4}), .targets = k.i({N}), .V = V};
    rejects_every_field(f, "cross_entropy_forward",
                        {FIELD(F, loss), FIELD(F, lse), OPTIONAL(F, log_prob), FIELD(F, stats), FIELD(F, targets)});
    rejects<F>(
        f, [](F& a) { a.log_prob = a.lse; }, "lse must not alias log_prob");
    rejects<F>(
        f, [](F& a) { a.smoothing = 1; }, "smoothing is 1, must be in [0, 1)");
    rejects<F>(
        f, [](F& a) { a.z_loss = -1e-4; }, "z_loss is -0.0001, must be at least 0");
    rejects<F>(
        f, [](F& a) { a.V = 0; }, "V is 0");

    using Bw = CrossEntropyBackward;
    const Bw b = cross_entropy_backward(k);
    rejects_every_field(b, "cross_entropy_backward",
                        {FIELD(Bw, logits), FIELD(Bw, lse), FIELD(Bw, targets), OPTIONAL(Bw, coefficient)});
    for (double temperature : {0.0, -1.0, double(NAN), double(INFINITY)}) {
        rejects<Bw>(
            b, [=](Bw& a) { a.temperature = temperature; }, "must be above 0");
        rejects<St>(
            s, [=](St& a) { a.temperature = temperature; }, "must be above 0");
    }
    rejects<Bw>(
        b, [](Bw& a) { a.logits.data = a.coefficient.data; }, "logits must not alias coefficient");
    rejects<Bw>(
        b, [](Bw& a) { a.vocab_offset = 1; }, "from vocab_offset 1, past V = 7");
    rejects<Bw>(
        b, [](Bw& a) { a.scale = NAN; }, "scale is nan");

    using Ce = CrossEntropy;
    const Ce c = {.logits = k.f({N, V}),
                  .loss = k.f({N}),
                  .lse = k.f({N}),
                  .log_prob = k.f({N}),
                  .targets = k.i({N}),
                  .coefficient = k.f({N}),
                  .step_values = &values};
    rejects_every_field(c, "cross_entropy",
                        {FIELD(Ce, logits), FIELD(Ce, loss), FIELD(Ce, lse), OPTIONAL(Ce, log_prob), FIELD(Ce, targets),
                         OPTIONAL(Ce, coefficient)});
    rejects<Ce>(
        c, [](Ce& a) { a.temperature = 0; }, "must be above 0");
    rejects<Ce>(
        c, [](Ce& a) { a.loss = a.lse; }, "loss must not alias lse");
    rejects<Ce>(
        c, [](Ce& a) { a.scale = INFINITY; }, "scale is inf");
    rejects<Ce>(
        c, [](Ce& a) { a.smoothing = -0.1; }, "smoothing is -0.1, must be in [0, 1)");
}
