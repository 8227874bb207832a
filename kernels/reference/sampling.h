#pragma once
// The formulas of kernels/sampling.h, in double for logits of any dtype.
#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "kernels/reference/scalar.h"
#include "kernels/sampling.h"

namespace gradus::reference {

// The logits of row n, joined from the slices of the ranks.
template <class Scalar>
std::vector<double> joined_logits(const Sample& a, int64_t n) {
    const int64_t k = a.ids.size(), Vr = a.logits.last();
    std::vector<double> z;
    for (int64_t v = 0; v < a.V; ++v) {
        const int64_t r = v / Vr, i = v % Vr;
        z.push_back(double(real_of(a.logits.as<Scalar>()[(r * k + n) * Vr + i])));
    }
    return z;
}

inline void penalise(std::vector<double>& x, const Sample& a, int64_t n) {
    if (!a.seen) return;
    const int32_t* offsets = a.seen_offsets.as<int32_t>();
    for (int32_t s = offsets[n]; s < offsets[n + 1]; ++s) {
        const int32_t id = a.seen.as<int32_t>()[index("seen offset", s, a.seen.size())];
        double& logit = x[size_t(index("seen id", id, a.V))];
        logit = logit < 0 ? logit * a.repetition_penalty : logit / a.repetition_penalty;
    }
}

// The lowest id of the largest logit; empty if the row has no distribution.
inline std::optional<size_t> argmax(const std::vector<double>& x) {
    for (double each : x)
        if (std::isnan(each)) return {};
    const size_t best = size_t(std::max_element(x.begin(), x.end()) - x.begin());
    return std::isfinite(x[best]) ? std::optional(best) : std::nullopt;
}

struct Candidate {
    size_t id;
    double weight;
};

// Steps 2 to 5. The candidates are in the order of the draw.
inline std::vector<Candidate> candidates(const std::vector<double>& x, const Sample& a) {
    double least = -std::numeric_limits<double>::infinity();
    if (a.top_k > 0 && a.top_k < a.V) {
        std::vector<double> sorted = x;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        least = sorted[size_t(a.top_k) - 1];
    }
    const double top = *std::max_element(x.begin(), x.end());
    std::vector<Candidate> kept;
    double total = 0;
    for (size_t v = 0; v < x.size(); ++v) {
        if (x[v] < least) continue;
        kept.push_back({v, x[v] == top ? 1 : std::exp((x[v] - top) / a.temperature)});
        total += kept.back().weight;
    }
    if (a.top_p < 1) {
        std::stable_sort(kept.begin(), kept.end(), [](auto& one, auto& other) { return one.weight > other.weight; });
        double before = 0;
        size_t inside = 0;
        do before += kept[inside++].weight;
        while (inside < kept.size() && before < a.top_p * total);
        kept.resize(inside);
        std::reverse(kept.begin(), kept.end());
    }
    std::erase_if(kept, [&](const Candidate& c) { return c.weight < a.min_p; });
    return kept;
}

inline size_t draw(const std::vector<Candidate>& kept, double u) {
    double total = 0, sum = 0;
    for (const Candidate& c : kept) total += c.weight;
    for (const Candidate& c : kept)
        if ((sum += c.weight) > u * total) return c.id;
    return kept.back().id;  // u was within rounding of 1
}

inline double log_probability(const std::vector<double>& z, size_t id, double temperature) {
    const double top = *std::max_element(z.begin(), z.end()), scale = temperature > 0 ? temperature : 1;
    double total = 0;
    for (double each : z) total += each == top ? 1 : std::exp((each - top) / scale);
    return (z[id] - top) / scale - std::log(total);
}

template <class Scalar>
void sample(const Sample& a) {
    for (int64_t n = 0; n < a.ids.size(); ++n) {
        const std::vector<double> z = joined_logits<Scalar>(a, n);
        std::vector<double> x = z;
        penalise(x, a, n);
        std::optional<size_t> id = argmax(x);
        if (id && a.temperature > 0) {
            const uint32_t* words = a.streams.as<uint32_t>() + 2 * n;
            const uint64_t stream = uint64_t(words[1]) << 32 | words[0];
            const auto position = uint64_t(a.positions.as<int32_t>()[n]);
            id = draw(candidates(x, a), Philox{sample_key(a.seed)}.uniform(position, stream));
        }
        a.ids.as<int32_t>()[n] = id ? int32_t(*id) : -1;
        a.log_probs.as<Scalar>()[n] =
            Scalar(id ? log_probability(z, *id, a.temperature) : std::numeric_limits<double>::quiet_NaN());
    }
}

}  // namespace gradus::reference
