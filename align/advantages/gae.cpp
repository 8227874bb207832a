#include "align/advantages/gae.h"

#include "align/sequences.h"

namespace gradus {

void generalised_advantages(const GaeInputs& a, double gamma, double lambda, std::span<double> advantages,
                            std::span<double> returns) {
    const size_t N = a.rewards.size();
    CHECK(a.values.size() == N && a.learnt.size() == N && advantages.size() == N && returns.size() == N);
    for_each_sequence(a.lengths, N, [&](size_t, size_t first, size_t last) {
        double next_value = 0, next_advantage = 0;
        for (size_t t = last; t-- > first;) {
            advantages[t] = returns[t] = 0;
            if (!a.learnt[t]) continue;
            const double delta = a.rewards[t] + gamma * next_value - a.values[t];
            advantages[t] = delta + gamma * lambda * next_advantage;
            returns[t] = advantages[t] + a.values[t];
            next_value = a.values[t];
            next_advantage = advantages[t];
        }
    });
}

}  // namespace gradus
