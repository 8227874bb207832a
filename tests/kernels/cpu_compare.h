#pragma once
// How the CPU table is held against the truth. A case is a function that runs one op on a side and returns its outputs;
// it runs on three sides, with the same inputs, rounded to the dtype under test:
//
//   truth   the reference in f64
//   naive   the reference in f32, its outputs rounded to the dtype under test
//   cpu     the table
//
// and every output of the table must be within twice the largest error of the naive one, plus one rounding. Few numbers may
// all happen to be right: then the largest error is that of several draws of the inputs.
#include <omp.h>
#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "tests/kernels/harness.h"

namespace gradus::test {

struct Side {
    const Ops& ops;
    DType dtype;        // of activations and weights on this side
    DType source;       // what inputs are rounded to first
    uint64_t draw = 0;  // which of several inputs
    bool lost =
        false;  // every float that goes in is NaN: what that leaves in the table's scratch memory must not matter

    DType accumulator() const { return accumulator_of(dtype); }
    Owned give(Owned drawn, DType type) const {
        return lost ? filled(type, drawn.shape, std::numeric_limits<double>::quiet_NaN()) : converted(drawn, type);
    }
    // Activations and weights.
    Owned in(uint64_t seed, const Shape& shape, double spread = 1, double mean = 0) const {
        return give(random(key_of(seed, draw), source, shape, spread, mean), dtype);
    }
    // Statistics, and accumulators that already hold something.
    Owned sum(uint64_t seed, const Shape& shape, double spread = 1, double mean = 0) const {
        return give(random(key_of(seed, draw), DType::f32, shape, spread, mean), accumulator());
    }
    Owned total(double x) const { return filled(DType::f64, {1}, x); }
    Owned out(const Shape& shape) const { return poisoned(dtype, shape); }
    Owned statistic(const Shape& shape) const { return poisoned(accumulator(), shape); }
    // What an op of the truth saved for its backward, as this side would have it.
    Owned saved(const Tensor& truth) const { return give(converted(truth, source), dtype); }
    Owned saved_statistic(const Tensor& truth) const { return give(converted(truth, DType::f32), accumulator()); }
    // The side that saves it.
    Side of_truth() const { return {reference_ops(), DType::f64, source, draw}; }
};

using Outputs = std::vector<Owned>;
using Case = std::function<Outputs(const Side&)>;

inline Outputs outputs() { return {}; }
template <class... More>
Outputs outputs(Owned first, More... more) {
    Outputs all;
    all.push_back(std::move(first));
    (all.push_back(std::move(more)), ...);
    return all;
}

// Half a unit in the last place, relative.
inline double rounding_of(DType t) { return t == DType::bf16 ? 0x1p-8 : t == DType::f32 ? 0x1p-24 : 0x1p-53; }

struct Threads {
    int before = omp_get_max_threads();
    explicit Threads(int n) { omp_set_num_threads(n); }
    ~Threads() { omp_set_num_threads(before); }
};

// The largest error of each output of the naive formula.
inline std::vector<double> naive_errors(const Case& run, DType dtype, const Outputs& got) {
    std::vector<double> worst(got.size(), 0);
    int64_t numbers = 0;
    for (uint64_t draw = 0; numbers < 2000 && draw < 20; ++draw) {
        const Outputs truth = run({reference_ops(), DType::f64, dtype, draw}),
                      naive = run({reference_ops(), DType::f32, dtype, draw});
        for (size_t k = 0; k < got.size(); ++k) {
            const Owned rounded = converted(naive[k], got[k].dtype);
            for (int64_t i = 0; i < rounded.size(); ++i)
                if (std::isfinite(at(truth[k], i)))
                    worst[k] = std::max(worst[k], std::abs(at(rounded, i) - at(truth[k], i)));
        }
        numbers += got[0].size();
    }
    return worst;
}

inline void compare(const std::string& what, const Case& run,
                    std::initializer_list<DType> dtypes = {DType::f32, DType::bf16}) {
    for (DType dtype : dtypes) {
        run({cpu_ops(), dtype, dtype, 0, true});
        const Outputs got = run({cpu_ops(), dtype, dtype}), truth = run({reference_ops(), DType::f64, dtype});
        REQUIRE(got.size() == truth.size());
        const std::vector<double> worst = naive_errors(run, dtype, got);
        for (size_t k = 0; k < got.size(); ++k) {
            const std::string name = what + ", " + name_of(dtype) + ", output " + std::to_string(k);
            INFO(name << ": the naive formula is off by " << worst[k] << " at the most");
            REQUIRE(difference(name, got[k], truth[k], rounding_of(got[k].dtype), 2 * worst[k] + 1e-37) == "");
        }
        for (int threads : {1, 2, 3}) {
            const Threads use(threads);
            const Outputs again = run({cpu_ops(), dtype, dtype});
            for (size_t k = 0; k < got.size(); ++k) {
                INFO(what << ", " << name_of(dtype) << ", output " << k << ", " << threads << " threads");
                REQUIRE(same_bits(again[k], got[k]));
            }
        }
    }
}

}  // namespace gradus::test
