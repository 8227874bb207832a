#pragma once
// The score function of attention: what may change a score between the scaled product q·k and the softmax.
//
//   s'[t,u] = score(s[t,u], b, h, t, u)                 s = scale · q[t]·k[u], of query head h in sequence b
//   d_s     = score.backward(d_s', s, b, h, t, u)       the gradient with respect to s, from that with respect to s'
//
// It is a type, so that it is compiled into the inner loops; soft capping, ALiBi or the buckets of T5 would each be one. Both
// functions are templates on the value: float, double and complex<double>, and on the CPU also a register of scores, which
// belong to the keys u, u + 1, …. A score function does not decide which keys are seen: that is the interval [lo, hi).
//
// There is one today, which changes nothing and costs nothing.
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

// Calls run with the score function of a call. This is the one place that chooses.
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
