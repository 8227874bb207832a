#pragma once
// The scalar head: one number per row of hidden states, v[n] = w · hidden[n]. In a reward model it is the score of the
// text up to that row; in a value model it is the expected return from that row on. Formulas: kernels/row_dot.h.
//
// Its weight is stored as `score.weight` [1,C], as in transformers' …ForSequenceClassification, and initialised from
// N(0, 1/(C+1)). Source: Stiennon et al. 2020.
#include "engine/models/model.h"

namespace gradus {

// The weight's name, here and in files.
inline constexpr const char* scalar_head_tensor = "score.weight";

class ScalarHead {
public:
    ScalarHead(const Run&, Parameters&);
    ScalarHead(const ScalarHead&) = delete;
    ScalarHead& operator=(const ScalarHead&) = delete;

    // values [N] in the accumulator's dtype.
    void forward(Tensor values, Tensor hidden) const;
    // For an objective J of the values, with d_values [N] = ∂J/∂values: d_hidden [N,C], and grad += ∂J/∂w. d_hidden is
    // summed over tp; as every rank has all rows, the first one contributes the gradient and the others zeros.
    void backward(Tensor d_hidden, Tensor d_values, Tensor hidden) const;

private:
    const Run run_;
    Tensor w_, d_w_;  // [1,C]
};

}  // namespace gradus
