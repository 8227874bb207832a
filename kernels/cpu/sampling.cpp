// Sampling: rows in parallel. The filters are ordered so that the expensive steps have few candidates: top-p sorts little more
// than the ids that it keeps.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/parallel.h"
#include "kernels/sampling.h"

namespace gradus::cpu {

namespace {

constexpr int64_t block = 2048;  // floats per partial sum in single precision

struct Candidate {
    int32_t id;
    float weight;

    uint32_t bits() const { return std::bit_cast<uint32_t>(weight); }
    // A sort key: by weight, then the lower id first. Comparing one number needs no branches.
    uint64_t rank() const { return uint64_t(bits()) << 32 | ~uint32_t(id); }
    // The exponent and three more bits of the weight.
    uint32_t bin() const { return bits() >> 20; }
};
constexpr uint32_t bins = (0x3f800000 >> 20) + 1;  // of weights up to 1

// The workspace of one row. The logits are its upper half; candidates are appended from the start, and overwrite only logits
// that are already candidates.
struct Row {
    std::span<float> x;
    Candidate* kept;
};

struct Top {
    int32_t id;  // the lowest id of the largest logit; −1: the row has no distribution
    float logit;
};

Top argmax(std::span<const float> x) {
    constexpr float lowest = -std::numeric_limits<float>::infinity();
    Floats highest = splat(lowest), broken = {};
    sweep(int64_t(x.size()), [&](int64_t i, auto lanes) {
        const Floats part = load(x.data() + i, lanes, lowest);
        highest = larger(highest, part);
        broken = choose(part != part, splat(1), broken);
    });
    const float top = largest(highest);
    if (!std::isfinite(top) || largest(broken) > 0) return {-1, top};
    return {int32_t(std::find(x.begin(), x.end(), top) - x.begin()), top};
}

template <class Scalar>
void join(std::span<float> x, const Sample& a, int64_t n) {
    const int64_t k = a.ids.size(), V = a.V, Vr = a.logits.last();
    for (int64_t first = 0; first < V; first += Vr) {
        const Scalar* z = a.logits.as<Scalar>() + (first / Vr * k + n) * Vr;
        sweep(std::min(Vr, V - first),
              [&](int64_t i, auto lanes) { store(x.data() + first + i, load(z + i, lanes), lanes); });
    }
}

// The logarithm of Σ exp((x − top)/τ).
double log_total(std::span<const float> x, float top, double temperature) {
    const auto inverse = float(std::min(1 / temperature, double(std::numeric_limits<float>::max())));
    double sum = 0;
    for (size_t first = 0; first < x.size(); first += block)
        sum += double(total(std::min(block, int64_t(x.size() - first)), [&](int64_t i, auto lanes) {
            const float* part = x.data() + first + i;
            return exponential((load(part, lanes, -std::numeric_limits<float>::infinity()) - top) * inverse);
        }));
    return std::log(sum);
}

void penalise(std::span<float> x, const Sample& a, int64_t n) {
    const auto penalty = float(a.repetition_penalty);
    const int32_t *offsets = a.seen_offsets.as<int32_t>(), *seen = a.seen.as<int32_t>();
    CHECK(offsets[n] >= 0 && offsets[n + 1] <= a.seen.size(), "an offset is outside the ids seen");
    for (int32_t s = offsets[n]; s < offsets[n + 1]; ++s) {
        CHECK(seen[s] >= 0 && seen[s] < a.V,
              "id " + std::to_string(seen[s]) + " is not in [0, " + std::to_string(a.V) + ")");
        float& logit = x[size_t(seen[s])];
        logit = logit < 0 ? logit * penalty : logit / penalty;
    }
}

// The lowest bin that top-p can keep weights of: the weights of the higher bins add up to at most `wanted`.
uint32_t lowest_bin(const Candidate* first, const Candidate* last, double wanted) {
    std::array<double, bins> sums = {};
    for (const Candidate* c = first; c != last; ++c) sums[c->bin()] += double(c->weight);
    uint32_t bin = bins;
    // With a margin for rounding, because the order of the sum is different here.
    for (double sum = 0; bin > 0 && sum <= wanted * (1 + 1e-9);) sum += sums[--bin];
    return bin;
}

// Steps 2 to 5. The candidates are in the order of the draw.
std::span<const Candidate> candidates(const Row& row, float top, const Sample& a) {
    const std::span<const float> x = row.x;
    float least = -std::numeric_limits<float>::infinity();
    if (a.top_k > 0 && a.top_k < a.V) {
        auto* largest = reinterpret_cast<float*>(row.kept);  // as scratch memory: no candidates yet
        std::partial_sort_copy(x.begin(), x.end(), largest, largest + a.top_k, std::greater<>());
        least = largest[a.top_k - 1];
    }

    const auto inverse = float(1 / a.temperature);
    Candidate *first = row.kept, *last = row.kept;
    double total = 0;
    for (size_t v = 0; v < x.size(); ++v) {
        if (x[v] < least) continue;
        const float weight = x[v] == top ? 1.0f : std::exp((x[v] - top) * inverse);
        if (weight == 0) continue;
        *last++ = {int32_t(v), weight};
        total += double(weight);
    }

    if (a.top_p < 1) {
        const double wanted = a.top_p * total;
        const uint32_t lowest = lowest_bin(first, last, wanted);
        last = std::remove_if(first, last, [&](const Candidate& c) { return c.bin() < lowest; });
        std::sort(first, last, [](const Candidate& one, const Candidate& other) { return one.rank() > other.rank(); });
        Candidate* inside = first;
        double before = 0;
        do before += double(inside++->weight);
        while (inside != last && before < wanted);
        std::reverse(first, inside);
        last = inside;
    }
    if (a.min_p > 0) last = std::remove_if(first, last, [&](const Candidate& c) { return double(c.weight) < a.min_p; });
    return {first, last};
}

int32_t draw(std::span<const Candidate> from, double u) {
    double total = 0;
    for (const Candidate& c : from) total += double(c.weight);
    double left = u * total;
    for (const Candidate& c : from) {
        left -= double(c.weight);
        if (left < 0) return c.id;
    }
    return from.back().id;  // u was within rounding of 1
}

double uniform(const Sample& a, int64_t n) {
    const uint32_t* words = a.streams.as<uint32_t>() + 2 * n;
    return Philox{sample_key(a.seed)}.uniform(uint64_t(a.positions.as<int32_t>()[n]),
                                              uint64_t(words[1]) << 32 | words[0]);
}

template <class Scalar>
void sample_row(const Sample& a, int64_t n) {
    const auto V = size_t(a.V), Vr = size_t(a.logits.last()), k = size_t(a.ids.size());
    float* const workspace = a.workspace.as<float>() + 2 * size_t(n) * V;
    const Row row = {{workspace + V, V}, reinterpret_cast<Candidate*>(workspace)};
    int32_t& id = a.ids.as<int32_t>()[n];
    float& log_prob = a.log_probs.as<float>()[n];

    join<Scalar>(row.x, a, n);
    const double temperature = a.temperature > 0 ? a.temperature : 1;
    const Top most_likely = argmax(row.x);
    const double log_sum = log_total(row.x, most_likely.logit, temperature);
    Top top = most_likely;
    if (a.seen && a.repetition_penalty != 1) {
        penalise(row.x, a, n);
        top = argmax(row.x);
    }
    id = top.id;
    if (id >= 0 && a.temperature > 0) id = draw(candidates(row, top.logit, a), uniform(a, n));

    log_prob = std::numeric_limits<float>::quiet_NaN();
    if (id < 0) return;
    const size_t r = size_t(id) / Vr, i = size_t(id) % Vr;
    const auto logit = float(a.logits.as<Scalar>()[(r * k + size_t(n)) * Vr + i]);
    log_prob = float((double(logit) - double(most_likely.logit)) / temperature - log_sum);
}

}  // namespace

void sample(const Sample& a, Stream) {
    by_dtype(a.logits.dtype, [&](auto kind) {
        parallel_items(a.ids.size(), grain_of(8 * double(a.V)),
                       [&](int64_t n, int) { sample_row<decltype(kind)>(a, n); });
    });
}

}  // namespace gradus::cpu
