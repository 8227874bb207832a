#pragma once
// The score function of attention, applied to the scaled product q·k before the softmax.
//
//   s'[t,u] = score(s[t,u], b, h, t, u)                 s = scale · q[t]·k[u], of query head h in sequence b
//   d_s     = score.backward(d_s', s, b, h, t, u)       d_s': the gradient with respect to s'
//
//   PlainScore      s' = s
//   SoftCap         s' = cap · tanh(s / cap)            d_s = d_s' · (1 − tanh²(s / cap))
//   Alibi           s' = s + slope[h] · (u − t)         slopes: kernels/attention_bias.h
//   RelativeBias    s' = s + bias[h, u − t]             a table of the distances −M … M; a longer one reads the nearest end
//
// The mask is not a score function: it is the interval [lo, hi). So each of these works with causal masks, windows and documents.
//
// Sources: Gemma Team 2024, "Gemma 2" (soft cap); Press et al. 2022, "Train Short, Test Long" (ALiBi); Raffel et al. 2020,
// "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (relative bias).
#include <cmath>
#include <cstdint>
#include <variant>

#include "kernels/tensor.h"

namespace gradus {

// What ops take: one of these.
struct PlainScore;
struct SoftCap {
    double cap;  // above 0
};
struct Alibi {
    In slopes;  // [H]         accumulator dtype
};
struct RelativeBias {
    In bias;  // [H, 2M+1]     accumulator dtype; column M + (u − t)
};

// The distance whose entry of a table of −reach … reach is used.
constexpr int32_t nearest_distance(int32_t distance, int32_t reach) {
    return distance < -reach ? -reach : distance > reach ? reach : distance;
}

// What kernels compute with: a function is compiled into their inner loops. of_query(b, h, t) returns its part that is constant
// for a query head at one position, with operator()(s, u) and backward(d_s', s, u). Real is the accumulator's type, Value that of
// s: float, double, complex<double>, or a vector register with the scores of the keys u, u + 1, ….
//
// ScoreValue is what they need to know about a Value. kernels/cpu/attention_score.h has the version for a register.
template <class Value>
struct ScoreValue {
    static constexpr Value tanh(const Value& x) { return std::tanh(x); }
    static constexpr Value distance(int32_t first) { return Value(first); }
    template <class Real>
    static constexpr Value look_up(const Real* nearest, int32_t reach, int32_t distance) {
        return nearest[nearest_distance(distance, reach)];
    }
};

struct PlainScore {
    constexpr PlainScore of_query(int64_t, int64_t, int64_t) const { return {}; }

    template <class Value>
    constexpr Value operator()(Value s, int64_t) const {
        return s;
    }
    template <class Value>
    constexpr Value backward(Value d_score, Value, int64_t) const {
        return d_score;
    }
};

template <class Real>
struct SoftCapScore {
    Real cap, inverse;

    constexpr SoftCapScore of_query(int64_t, int64_t, int64_t) const { return *this; }

    template <class Value>
    constexpr Value operator()(Value s, int64_t) const {
        return cap * ScoreValue<Value>::tanh(s * inverse);
    }
    template <class Value>
    constexpr Value backward(Value d_score, Value s, int64_t) const {
        const Value share = ScoreValue<Value>::tanh(s * inverse);
        return d_score * (Real(1) - share * share);
    }
};

template <class Real>
struct AlibiScore {
    const Real* slopes;

    struct Query {
        Real slope;
        int32_t t;

        template <class Value>
        constexpr Value operator()(Value s, int64_t u) const {
            return s + slope * ScoreValue<Value>::distance(int32_t(u) - t);
        }
        template <class Value>
        constexpr Value backward(Value d_score, Value, int64_t) const {
            return d_score;
        }
    };
    constexpr Query of_query(int64_t, int64_t h, int64_t t) const { return {slopes[h], int32_t(t)}; }
};

template <class Real>
struct RelativeBiasScore {
    const Real* bias;
    int32_t reach;  // M

    struct Query {
        const Real* nearest;  // of distance 0
        int32_t reach, t;

        template <class Value>
        constexpr Value operator()(Value s, int64_t u) const {
            return s + ScoreValue<Value>::look_up(nearest, reach, int32_t(u) - t);
        }
        template <class Value>
        constexpr Value backward(Value d_score, Value, int64_t) const {
            return d_score;
        }
    };
    constexpr Query of_query(int64_t, int64_t h, int64_t t) const {
        return {bias + h * (2 * reach + 1) + reach, reach, int32_t(t)};
    }
};

// The score function of one query head at one position.
template <class Score>
struct QueryScore {
    using Query = decltype(std::declval<Score>().of_query(0, 0, 0));
    Query query;

    constexpr QueryScore(const Score& score, int64_t b, int64_t h, int64_t t) : query(score.of_query(b, h, t)) {}

    template <class Value>
    constexpr Value operator()(Value s, int64_t u) const {
        return query(s, u);
    }
    template <class Value>
    constexpr Value backward(Value d_score, Value s, int64_t u) const {
        return query.backward(d_score, s, u);
    }
};

// The field of the ops' arguments.
using AttentionScore = std::variant<PlainScore, SoftCap, Alibi, RelativeBias>;

template <class Real>
PlainScore function_of(const PlainScore& s) {
    return s;
}
template <class Real>
SoftCapScore<Real> function_of(const SoftCap& s) {
    return {Real(s.cap), Real(1 / s.cap)};
}
template <class Real>
AlibiScore<Real> function_of(const Alibi& s) {
    return {s.slopes.as<Real>()};
}
template <class Real>
RelativeBiasScore<Real> function_of(const RelativeBias& s) {
    return {s.bias.as<Real>(), int32_t(s.bias.last() / 2)};
}

// Calls run(function) with the score function of these arguments. Only this function dispatches on it.
template <class Real = float, class Run>
void by_score(const AttentionScore& score, Run&& run) {
    std::visit([&](const auto& of_arguments) { run(function_of<Real>(of_arguments)); }, score);
}

// Its tensor, for checks of arguments: empty if it has none.
inline Tensor tensor_of(const AttentionScore& score) {
    if (const auto* alibi = std::get_if<Alibi>(&score)) return alibi->slopes;
    if (const auto* relative = std::get_if<RelativeBias>(&score)) return relative->bias;
    return {};
}

}  // namespace gradus
