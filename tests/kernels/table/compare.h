#pragma once
// Comparison of a backend with the reference. A case is a function that runs one op on a side and returns its outputs. It runs
// on three sides with the same inputs, rounded to the dtype under test:
//
//   truth   the reference in f64
//   naive   the reference in f32, its outputs rounded to the dtype under test (attention also rounds operands: naive_attention.h)
//   table   the backend under test (tested.h)
//
// Every output of the backend must be within twice the largest error of the naive side, plus one rounding. Outputs with few
// elements may all be exact by chance, so the largest error is then taken over several draws of the inputs. The backend's
// bits must be the same in all configurations; if tensors are not aligned to 16 bytes, the outputs must be within the bound.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/kernels/harness.h"
#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

struct Side {
    const Ops& ops;
    DType dtype;        // of activations and weights on this side
    DType source;       // inputs are rounded to this first
    uint64_t draw = 0;  // selects the random inputs
    bool lost =
        false;  // every float that goes in is NaN: what that leaves in the table's scratch memory must not matter

    DType accumulator() const { return accumulator_of(dtype); }
    bool naive_of_bf16() const { return dtype == DType::f32 && source == DType::bf16; }
    Owned give(Owned drawn, DType type) const {
        return lost ? filled(type, drawn.shape, std::numeric_limits<double>::quiet_NaN()) : converted(drawn, type);
    }
    // Activations and weights.
    Owned in(uint64_t seed, const Shape& shape, double spread = 1, double mean = 0) const {
        return give(random(key_of(seed, draw), source, shape, spread, mean), dtype);
    }
    // Statistics, and accumulators that are not zero.
    Owned sum(uint64_t seed, const Shape& shape, double spread = 1, double mean = 0) const {
        return give(random(key_of(seed, draw), DType::f32, shape, spread, mean), accumulator());
    }
    Owned total(double x) const { return filled(DType::f64, {1}, x); }
    Owned out(const Shape& shape) const { return poisoned(dtype, shape); }
    Owned statistic(const Shape& shape) const { return poisoned(accumulator(), shape); }
    // A tensor that the truth's forward saved for backward, in this side's dtype.
    Owned saved(const Tensor& truth) const { return give(converted(truth, source), dtype); }
    Owned saved_statistic(const Tensor& truth) const { return give(converted(truth, DType::f32), accumulator()); }
    // The side that computes the saved tensors.
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

// The largest error of each output of the naive formula.
inline std::vector<double> naive_errors(const Case& run, DType dtype, const Outputs& got) {
    std::vector<double> worst(got.size(), 0);
    int64_t numbers = 0;
    for (uint64_t draw = 0; numbers < 1000 && draw < 60; ++draw) {
        const Outputs truth = run({reference_ops(), DType::f64, dtype, draw}),
                      naive = run({reference_ops(), DType::f32, dtype, draw});
        for (size_t k = 0; k < got.size(); ++k) {
            const Owned rounded = converted(naive[k], got[k].dtype);
            for (int64_t i = 0; i < rounded.size(); ++i)
                if (std::isfinite(at(truth[k], i)))
                    worst[k] = std::max(worst[k], std::abs(at(rounded, i) - at(truth[k], i)));
        }
        numbers += std::min_element(got.begin(), got.end(), [](const Owned& a, const Owned& b) {
                       return a.size() < b.size();
                   })->size();
    }
    return worst;
}

// Empty if every output is within the bound; otherwise names the element that is not.
inline std::string outside_bound(const std::string& what, const Outputs& got, const Outputs& truth,
                                 const std::vector<double>& naive) {
    for (size_t k = 0; k < got.size(); ++k) {
        const std::string name = what + ", output " + std::to_string(k);
        const std::string wrong = difference(name, got[k], truth[k], rounding_of(got[k].dtype), 2 * naive[k] + 1e-37);
        if (!wrong.empty()) {
            char text[80];
            std::snprintf(text, sizeof text, ", and the naive formula is off by %.3g at the most", naive[k]);
            return wrong + text;
        }
    }
    return "";
}

inline bool all_same_bits(const Outputs& a, const Outputs& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Owned& x, const Owned& y) { return same_bits(x, y); });
}

inline void compare(const std::string& op, const Case& run,
                    std::initializer_list<DType> dtypes = {DType::f32, DType::bf16}) {
    for (DType dtype : dtypes) {
        const std::string what = op + ", " + name_of(dtype);
        if (!tested().slow) run({tested().ops, dtype, dtype, 0, true});
        const Outputs got = run({tested().ops, dtype, dtype}), truth = run({reference_ops(), DType::f64, dtype});
        REQUIRE(got.size() == truth.size());
        const std::vector<double> naive = naive_errors(run, dtype, got);
        REQUIRE(outside_bound(what, got, truth, naive) == "");
        for (size_t i = 1; i < tested().configurations.size(); ++i) {
            const InConfiguration now(tested().configurations[i]);
            INFO(what << ", " << tested().configurations[i].name);
            REQUIRE(all_same_bits(run({tested().ops, dtype, dtype}), got));
        }
        if (tested().slow) continue;
        const Shifted each;
        REQUIRE(outside_bound(what + " of slices", run({hosted(tested().device), dtype, dtype}), truth, naive) == "");
    }
}

}  // namespace gradus::test
