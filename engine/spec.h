#pragma once
// What is known of a weight before it has memory. Every weight is declared once, in the each() of the struct that holds
// it; arenas, gradients, optimizer state, initial values, decay, sharding, checkpoints and Hugging Face names all read
// that one list.
#include <array>
#include <functional>
#include <string>

#include "kernels/tensor.h"

namespace gradus {

enum class Init {
    zero,
    one,
    normal,    // N(0, std²)
    residual,  // N(0, std²/2L): the projections that add into the residual stream (GPT-2)
};

// How tensor parallelism cuts the matrix [out, in]: not at all, its rows (each rank makes some outputs), or its columns
// (each rank sees some inputs, so the outputs are summed over the ranks).
enum class Split { none, rows, columns };

struct Spec {
    Shape shape;  // on this rank
    Init init = Init::normal;
    Split split = Split::none;
    std::array<int64_t, 3> parts =
        {};  // rows of the matrices stacked in this one (q, k, v; gate, up); zeros: one alone

    bool decayed() const { return shape.rank >= 2; }  // weight decay pulls on matrices only
};

using WeightVisitor = std::function<void(const std::string& name, Tensor& weight, const Spec& spec)>;

}  // namespace gradus
