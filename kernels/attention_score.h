#pragma once
// The score function of attention, applied to the scaled product q·k before the softmax.
//
//   s'[t,u] = score(s[t,u], b, h, t, u)                 s = scale · q[t]·k[u], of query head h in sequence b
//   d_s     = score.backward(d_s', s, b, h, t, u)       d_s': the gradient with respect to s'
//
// It is a type, so that it is compiled into the inner loops; soft capping, ALiBi and T5's relative position bias would each be a
// type. Both functions are templates on the value: float, double, complex<double>, and on the CPU also a vector register with
// the scores of the keys u, u + 1, …. The mask is not a score function: it is the interval [lo, hi).
//
// The only one so far is the identity.
#include <cstdint>

namespace gradus {

struct PlainScore {
    template <class Value>
    constexpr Value operator()(Value s, int64_t, int64_t, int64_t, int64_t) const {
        return s;
    }
    template <class Value>
    constexpr Value backward(Value d_score, Value, int64_t, int64_t, int64_t, int64_t) const {
        return d_score;
    }
};

// The field of the ops' arguments: a variant of all score functions, once there are several.
using AttentionScore = PlainScore;

// Calls run(score) with the type of the score function. Only this function dispatches on it.
template <class Run>
void by_score(const AttentionScore& score, Run&& run) {
    run(score);
}

// The score function of one query head at one position.
template <class Score>
struct QueryScore {
    Score score;
    int64_t b, h, t;

    template <class Value>
    constexpr Value operator()(Value s, int64_t u) const {
        return score(s, b, h, t, u);
    }
    template <class Value>
    constexpr Value backward(Value d_score, Value s, int64_t u) const {
        return score.backward(d_score, s, b, h, t, u);
    }
};

}  // namespace gradus
