// Benchmarks of the embedding and of cross-entropy.
#include "tools/bench/op_cases.h"

namespace gradus::op_cases {

void bench_loss(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t N = s.N, C = s.C, V = s.V;
    const auto logits = [&](Tensors& m) {  // padded, as the language head has them
        return m.uniform(t, {s.chunk, (V + 63) / 64 * 64}, -4, 4).columns(0, V);
    };
    bench.op<EmbeddingForward>("embedding_forward", text(s, {N, V, C}), ops.embedding_forward, [&](Tensors& m) {
        return EmbeddingForward{.y = m.uniform(t, {N, C}), .tokens = m.random_ids(N, V), .wte = m.uniform(t, {V, C})};
    });
    bench.op<EmbeddingBackward>("embedding_backward", text(s, {N, V, C}), ops.embedding_backward, [&](Tensors& m) {
        const auto [tokens, order] = m.sorted_ids(N, V);
        return EmbeddingBackward{
            .d_wte = m.uniform(sum, {V, C}), .d_y = m.uniform(t, {N, C}), .tokens = tokens, .order = order};
    });
    bench.op<CrossEntropyStats>("cross_entropy_stats", text(s, {s.chunk, V}), ops.cross_entropy_stats, [&](Tensors& m) {
        return CrossEntropyStats{
            .stats = m.uniform(sum, {s.chunk, 4}), .logits = logits(m), .targets = m.random_ids(s.chunk, V)};
    });
    bench.op<CrossEntropy>("cross_entropy", text(s, {s.chunk, V}), ops.cross_entropy, [&](Tensors& m) {
        return CrossEntropy{.logits = logits(m),
                            .loss = m.uniform(sum, {s.chunk}),
                            .lse = m.uniform(sum, {s.chunk}),
                            .targets = m.random_ids(s.chunk, V),
                            .step_values = m.value(StepValues{})};
    });
    bench.op<CrossEntropyBackward>("cross_entropy_backward", text(s, {s.chunk, V}), ops.cross_entropy_backward,
                                   [&](Tensors& m) {
                                       return CrossEntropyBackward{.logits = logits(m),
                                                                   .lse = m.uniform(sum, {s.chunk}, 10, 12),
                                                                   .targets = m.random_ids(s.chunk, V),
                                                                   .V = V,
                                                                   .step_values = m.value(StepValues{})};
                                   });
}

}  // namespace gradus::op_cases
