#pragma once
// A group of ranks that hold parts of the same tensors: the one seam to other ranks.
//
// With one rank every call returns at once and nothing else is linked, so a reader with one machine may skip any line
// that mentions `tp` or `dp`. Other implementations fill the table; sums are made in the order of the ranks.
#include "kernels/tensor.h"

namespace gradus {

struct CommTable {
    void (*all_reduce_sum)(void* group, Tensor, Stream);
    void (*all_reduce_max)(void* group, Tensor, Stream);
    void (*reduce_scatter_sum)(void* group, Tensor part, Tensor whole, Stream);  // rank r gets part r of the sum
    void (*all_gather)(void* group, Tensor whole, Tensor part, Stream);          // part r comes from rank r
    void (*broadcast)(void* group, Tensor, int root, Stream);
    void (*barrier)(void* group);
};

struct Comm {
    int rank = 0, size = 1;
    const CommTable* table = nullptr;
    void* group = nullptr;

    void sum(Tensor t, Stream s) const {
        if (size > 1) table->all_reduce_sum(group, t, s);
    }
    void max(Tensor t, Stream s) const {
        if (size > 1) table->all_reduce_max(group, t, s);
    }
    void reduce_scatter(Tensor part, Tensor whole, Stream s) const {
        if (size > 1) table->reduce_scatter_sum(group, part, whole, s);
    }
    void all_gather(Tensor whole, Tensor part, Stream s) const {
        if (size > 1) table->all_gather(group, whole, part, s);
    }
    void broadcast(Tensor t, int root, Stream s) const {
        if (size > 1) table->broadcast(group, t, root, s);
    }
    void barrier() const {
        if (size > 1) table->barrier(group);
    }
};

}  // namespace gradus
