// Sampling: the rows in parallel. Each filter leaves fewer ids, so the costly steps see few of them: a heap hands out the
// most likely ids of top-p one by one, after those that cannot be among them are gone.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vector_math.h"

namespace gradus::cpu {

namespace {

constexpr int64_t block = 2048;  // floats that are summed in single precision

// The workspace of one row, each of V elements.
struct Row {
    std::span<float> x;  // the logits, later the weights, by id
    int32_t* ids;        // those that are kept
};

struct Top {
    int32_t id;  // the lowest id of the largest logit, or −1 where the row has no distribution
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

// Steps 2 to 5: logits become weights, and the ids that are kept come in the order in which the draw takes them.
std::span<const int32_t> candidates(const Row& row, float top, const Sample& a) {
    const std::span<float> x = row.x;
    float least = -std::numeric_limits<float>::infinity();
    if (a.top_k > 0 && a.top_k < a.V) {
        auto* largest = reinterpret_cast<float*>(row.ids);  // nobody has been kept yet
        std::partial_sort_copy(x.begin(), x.end(), largest, largest + a.top_k, std::greater<>());
        least = largest[a.top_k - 1];
    }

    const auto inverse = float(1 / a.temperature);
    int32_t *first = row.ids, *last = row.ids;
    double total = 0;
    for (size_t v = 0; v < x.size(); ++v) {
        if (x[v] < least) continue;
        x[v] = x[v] == top ? 1.0f : std::exp((x[v] - top) * inverse);
        if (x[v] == 0) continue;
        *last++ = int32_t(v);
        total += double(x[v]);
    }

    auto lighter_than = [&](double limit) { return [&x, limit](int32_t id) { return double(x[size_t(id)]) < limit; }; };
    if (a.top_p < 1) {
        // An id lighter than this is outside even if all the others are no heavier.
        last = std::remove_if(first, last, lighter_than((1 - a.top_p) * total / double(last - first)));
        auto later = [&x](int32_t one, int32_t other) {
            const float w = x[size_t(one)], o = x[size_t(other)];
            return w != o ? w < o : one > other;
        };
        std::make_heap(first, last, later);
        int32_t* inside = last;
        double before = 0;
        do {
            std::pop_heap(first, inside--, later);
            before += double(x[size_t(*inside)]);
        } while (inside != first && before < a.top_p * total);
        first = inside;
    }
    if (a.min_p > 0) last = std::remove_if(first, last, lighter_than(a.min_p));
    return {first, last};
}

int32_t draw(std::span<const int32_t> ids, std::span<const float> weight, double u) {
    double total = 0;
    for (int32_t id : ids) total += double(weight[size_t(id)]);
    double left = u * total;
    for (int32_t id : ids) {
        left -= double(weight[size_t(id)]);
        if (left < 0) return id;
    }
    return ids.back();  // u was within rounding of 1
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
    const Row row = {{workspace, V}, reinterpret_cast<int32_t*>(workspace + V)};
    int32_t& id = a.ids.as<int32_t>()[n];
    float& log_prob = a.log_probs.as<float>()[n];

    join<Scalar>(row.x, a, n);
    const double temperature = a.temperature > 0 ? a.temperature : 1;
    const Top likeliest = argmax(row.x);
    const double log_sum = log_total(row.x, likeliest.logit, temperature);
    Top top = likeliest;
    if (a.seen && a.repetition_penalty != 1) {
        penalise(row.x, a, n);
        top = argmax(row.x);
    }
    id = top.id;
    if (id >= 0 && a.temperature > 0) id = draw(candidates(row, top.logit, a), row.x, uniform(a, n));

    log_prob = std::numeric_limits<float>::quiet_NaN();
    if (id < 0) return;
    const size_t r = size_t(id) / Vr, i = size_t(id) % Vr;
    const auto logit = float(a.logits.as<Scalar>()[(r * k + size_t(n)) * Vr + i]);
    log_prob = float((double(logit) - double(likeliest.logit)) / temperature - log_sum);
}

}  // namespace

void sample(const Sample& a, Stream) {
    by_dtype(a.logits.dtype, [&](auto kind) {
        parallel_items(a.ids.size(), items_of(8 * double(a.V)),
                       [&](int64_t n, int) { sample_row<decltype(kind)>(a, n); });
    });
}

}  // namespace gradus::cpu
