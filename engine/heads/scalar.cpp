#include "engine/heads/scalar.h"

#include "kernels/row_dot.h"

namespace gradus {

ScalarHead::ScalarHead(const Run& r, Parameters& parameters) : run_(r) {
    const Spec spec = {.shape = {1, r.d.C}, .init = Init::fan_in};
    parameters.declare(scalar_head_tensor, {w_, d_w_}, spec, spec, r.d.last_bucket());
}

void ScalarHead::forward(Tensor values, Tensor hidden) const {
    run_.ops.row_dot_forward({.y = values, .x = hidden, .w = w_.view({run_.d.C})}, run_.stream);
}

void ScalarHead::backward(Tensor d_hidden, Tensor d_values, Tensor hidden) const {
    if (run_.tp.rank > 0) {
        run_.ops.zero(d_hidden.data, d_hidden.bytes(), run_.stream);
        return;
    }
    const Shape c = {run_.d.C};
    run_.ops.row_dot_backward({.d_x = d_hidden, .d_w = d_w_.view(c), .d_y = d_values, .x = hidden, .w = w_.view(c)},
                              run_.stream);
}

}  // namespace gradus
