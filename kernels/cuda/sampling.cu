// Sampling on a GPU. The formulas are in kernels/sampling.h.
//
// Plan. One block per row. It copies the logits to the workspace, and after each filter compacts the remaining items, so that
// later steps have few. Nothing is sorted: thresholds are found by bisection over the bits of a float, which have the order of
// non-negative floats.
//
//   top-k   bisects the number of logits at or above a threshold. The k-th largest of the threads' own maxima is a lower
//           bound, which needs no pass over memory and removes almost all of the row
//   top-p   bisects the sum of the weights at or above a threshold; of equal weights at the threshold the lower ids stay
//   draw    in the order of ids: each warp sums a segment, and the warp whose segment contains the target scans it. From the
//           smallest weight to the largest: bisects the sum of the weights below a threshold
//
// Sums are double, in an order that depends only on the shapes.
#include <cmath>

#include "kernels/cuda/block_search.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/sampling.h"

namespace gradus::DEVICE {

namespace {

struct Settings {
    double temperature, top_p, min_p;  // temperature: 1 if `greedy`
    float inverse, finite_inverse;     // 1 / temperature, for the weights and for the log-probability
    float penalty;
    bool greedy;
    int top_k, V, Vr, k;  // top_k: 0 for no limit
    uint64_t key;
};

constexpr unsigned bits_of_one = 0x3f800000, bits_of_smallest = 1;  // of the smallest positive float

__device__ float float_of(unsigned bits) { return std::bit_cast<float>(bits); }

// An unsigned integer with the order of floats, including negative ones, and back.
__device__ unsigned ordered(float x) {
    const auto bits = std::bit_cast<unsigned>(x);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ float from_ordered(unsigned key) { return float_of(key & 0x80000000u ? key & 0x7fffffffu : ~key); }

__device__ float weight_of(float x, float top, float inverse) { return x == top ? 1.f : expf((x - top) * inverse); }

__device__ double sum_of(const List& list, int n) {
    return block_total(n, [&](int i) { return double(list.values[i]); });
}

// Copies a row to the list, and returns this thread's largest logit; +infinity if the row has a NaN.
template <class Scalar>
__device__ float copy_row(const List& list, const Scalar* logits, const Settings& a) {
    float top = -infinity;
    bool broken = false;
    for (int64_t first = 0; first < a.V; first += a.Vr) {
        const Scalar* const z = logits + first * a.k;
        const int count = int(min(int64_t(a.Vr), a.V - first));
        for (int i = thread_of_block(); i < count; i += search_threads) {
            const auto x = float(z[i]);
            list.values[first + i] = x;
            top = fmaxf(top, x);
            broken |= x != x;
        }
    }
    return __syncthreads_or(broken) ? infinity : top;
}

// Returns this thread's largest logit after the penalty.
__device__ float penalise(const List& list, const int* seen, int count, const Settings& a) {
    for (int s = thread_of_block(); s < count; s += search_threads) {
        device_check(seen[s] >= 0 && seen[s] < a.V);
        float& x = list.values[seen[s]];
        x = x < 0 ? x * a.penalty : x / a.penalty;
    }
    __syncthreads();
    float top = -infinity;
    for (int i = thread_of_block(); i < a.V; i += search_threads) top = fmaxf(top, list.values[i]);
    return top;
}

// The index of the first value that equals x.
__device__ int first_of(const List& list, int n, float x) {
    int last = 0;  // n − index
    for (int i = thread_of_block(); i < n; i += search_threads)
        if (list.values[i] == x) last = max(last, n - i);
    return n - block_largest(last);
}

// The number of values before index `end` that equal x.
__device__ int ties_before(const List& list, int end, float x) {
    return block_total(end, [&](int i) { return int(list.values[i] == x); });
}

// Steps 2 and 3: replaces the list by the weights of the kept ids.
__device__ int weigh(const List& list, float mine, float top, const Settings& a) {
    const auto weighed = [&](float x, int id, Item& item) {
        item = {weight_of(x, top, a.inverse), id};
        return item.value > 0;
    };
    if (a.top_k == 0) return compact(list, a.V, [&](int i, Item& item) { return weighed(list.values[i], i, item); });

    float bound = -infinity;
    if (a.top_k <= search_threads)
        bound = from_ordered(largest_where(ordered(-infinity), ordered(top), [&](unsigned t) {
            return __syncthreads_count(ordered(mine) >= t) >= a.top_k;
        }));
    const int n = compact(list, a.V, [&](int i, Item& item) {
        item = {list.values[i], i};
        return item.value >= bound;
    });
    const float least = from_ordered(largest_where(ordered(bound), ordered(top), [&](unsigned t) {
        return block_total(n, [&](int i) { return int(ordered(list.values[i]) >= t); }) >= a.top_k;
    }));
    return compact(list, n, [&](int i, Item& item) {
        const Item each = list[i];
        return each.value >= least && weighed(each.value, each.id, item);
    });
}

// Steps 4 and 5.
__device__ int filter(const List& list, int n, const Settings& a) {
    float least = 0;
    int ties_end = 0;  // weights equal to `least` are kept if their index is below this
    if (a.top_p < 1) {
        // A weight below the limit is never kept: n such weights add up to less than the part that top-p drops.
        const double total = sum_of(list, n), wanted = a.top_p * total, limit = (1 - a.top_p) * total / n;
        n = compact(list, n, [&](int i, Item& item) {
            item = list[i];
            return double(item.value) >= limit;
        });
        const auto sum_from = [&](unsigned bits) {
            return block_total(n,
                               [&](int i) { return list.values[i] >= float_of(bits) ? double(list.values[i]) : 0.; });
        };
        const unsigned bits =
            largest_where(bits_of_smallest, bits_of_one, [&](unsigned t) { return sum_from(t) >= wanted; });
        least = float_of(bits);
        const double ties = fmax(1., ceil((wanted - sum_from(bits + 1)) / double(least)));
        const auto holds = [&](unsigned end) { return double(ties_before(list, int(end), least)) <= ties; };
        ties_end = holds(unsigned(n)) ? n : int(largest_where(0, unsigned(n), holds));
    }
    return compact(list, n, [&](int i, Item& item) {
        item = list[i];
        return (item.value > least || (item.value == least && i < ties_end)) && double(item.value) >= a.min_p;
    });
}

// The index of the first weight at which the running sum exceeds u · Σ, in the order of ids.
__device__ int draw_by_id(const List& list, int n, double u) {
    SHARED(double, of_warps, [search_warps]);
    SHARED(int, drawn, );
    const int lane = int(threadIdx.x), self = int(threadIdx.y);
    const int segment = (n + search_threads - 1) / search_threads * warp;
    const int begin = min(n, self * segment), end = min(n, begin + segment);
    double sum = 0;
    for (int i = begin + lane; i < end; i += warp) sum += double(list.values[i]);
    sum = warp_sum(sum);
    if (lane == 0) of_warps[self] = sum;
    if (lane == 0 && self == 0) drawn = n - 1;
    __syncthreads();

    double total = 0, before = 0;
    for (int w = 0; w < search_warps; ++w) total += of_warps[w];
    const double target = u * total;
    for (int w = 0; w < self; ++w) before += of_warps[w];
    if (begin < end && before <= target && before + of_warps[self] > target) {
        int place = end - 1;
        for (int first = begin; first < end; first += warp) {
            const int i = first + lane;
            double running = i < end ? double(list.values[i]) : 0;
            for (int step = 1; step < warp; step *= 2) {
                const double left = __shfl_up_sync(all_lanes, running, unsigned(step));
                if (lane >= step) running += left;
            }
            const unsigned past = __ballot_sync(all_lanes, i < end && before + running > target);
            if (past) {
                place = first + __ffs(int(past)) - 1;
                break;
            }
            before += __shfl_sync(all_lanes, running, warp - 1);
        }
        if (lane == 0) drawn = place;
    }
    __syncthreads();
    return drawn;
}

// The same in the order from the smallest weight to the largest, among equals from the highest id to the lowest.
__device__ int draw_by_weight(const List& list, int n, double u) {
    const auto sum_below = [&](unsigned bits) {
        return block_total(n, [&](int i) { return list.values[i] < float_of(bits) ? double(list.values[i]) : 0.; });
    };
    const double target = u * sum_of(list, n);
    const unsigned bits = largest_where(0, bits_of_one, [&](unsigned t) { return sum_below(t) <= target; });
    const float x = float_of(bits);
    const int ties = ties_before(list, n, x);
    if (ties == 1) return first_of(list, n, x);
    const int skipped = int(fmin(double(ties - 1), floor((target - sum_below(bits)) / double(x))));
    return int(largest_where(0, unsigned(n - 1),
                             [&](unsigned end) { return ties_before(list, int(end), x) <= ties - 1 - skipped; }));
}

template <class Scalar>
__global__ void sample_kernel(int* ids, float* log_probs, float* workspace, const Scalar* logits,
                              const unsigned* streams, const int* positions, const int* seen_offsets, const int* seen,
                              Settings a) {
    const int64_t n = blockIdx.x;
    const bool first_thread = thread_of_block() == 0;
    const List list = {workspace + 2 * n * a.V, reinterpret_cast<int*>(workspace + (2 * n + 1) * a.V)};
    const Scalar* const z = logits + n * a.Vr;

    float mine = copy_row(list, z, a), top = block_largest(mine);
    const float most_likely = top;
    const double total =
        block_total(a.V, [&](int i) { return double(weight_of(list.values[i], most_likely, a.finite_inverse)); });
    if (seen) {
        mine = penalise(list, seen + seen_offsets[n], seen_offsets[n + 1] - seen_offsets[n], a);
        top = block_largest(mine);
    }
    if (!isfinite(most_likely) || !isfinite(top)) {
        if (first_thread) {
            ids[n] = -1;
            log_probs[n] = nanf("");
        }
        return;
    }

    int id;
    if (a.greedy) id = first_of(list, a.V, top);
    else {
        const uint64_t stream = uint64_t(streams[2 * n + 1]) << 32 | streams[2 * n];
        const double u = Philox{a.key}.uniform(uint64_t(positions[n]), stream);
        int count = weigh(list, mine, top, a);
        if (a.top_p < 1 || a.min_p > 0) count = filter(list, count, a);
        id = list.ids[a.top_p < 1 ? draw_by_weight(list, count, u) : draw_by_id(list, count, u)];
    }
    if (first_thread) {
        const auto logit = double(float(z[int64_t(id / a.Vr) * a.k * a.Vr + id % a.Vr]));
        ids[n] = id;
        log_probs[n] = float((logit - double(most_likely)) / a.temperature - log(total));
    }
}

}  // namespace

void sample(const Sample& a, Stream s) {
    const int64_t k = a.ids.size(), V = a.V, Vr = a.logits.last();
    if (k == 0) return;
    CHECK(V <= (1 << 30) && Vr <= (1 << 30), "a vocabulary of " + std::to_string(V) + " exceeds the limit of 2^30");
    const double temperature = a.temperature > 0 ? a.temperature : 1;
    const bool penalised = a.seen && a.repetition_penalty != 1;
    const Settings settings = {
        .temperature = temperature,
        .top_p = a.top_p,
        .min_p = a.min_p,
        .inverse = float(1 / temperature),
        .finite_inverse = float(std::min(1 / temperature, double(std::numeric_limits<float>::max()))),
        .penalty = float(a.repetition_penalty),
        .greedy = a.temperature == 0,
        .top_k = a.top_k < V ? int(a.top_k) : 0,
        .V = int(V),
        .Vr = int(Vr),
        .k = int(k),
        .key = sample_key(a.seed)};
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(sample_kernel<Scalar>, blocks_for(k, 1), dim3(warp, search_warps), 0, s, a.ids.as<int32_t>(),
               a.log_probs.as<float>(), a.workspace.as<float>(), a.logits.as<Scalar>(), a.streams.as<uint32_t>(),
               a.positions.as<int32_t>(), a.seen_offsets.as<int32_t>(), penalised ? a.seen.as<int32_t>() : nullptr,
               settings);
    });
}

}  // namespace gradus::DEVICE
