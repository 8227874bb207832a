#pragma once
// A table of ops that only counts the work and memory that a model and its trainer request: it computes nothing and
// touches no memory.
//
// allocate() returns addresses that must not be dereferenced; an op adds its own Cost (kernels/*.h) to the count. So
// the memory and the work of a plan are those of the real Model, Trainer and Optimizer, run on this table.
//
// While a Counting exists, the table and the Comms of engine/plan/counting_comm.h add to it, on its own thread. Memory
// may be released after it. copy_to_host() writes zeros.
#include <array>
#include <map>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gradus {

const Ops& counting_ops(size_t matmul_workspace = 0, int64_t logit_rows = 0);

// Classes of ops with the same hardware limit.
enum class Work { matmul, attention, rows, update };

struct Amount {
    double calls = 0, flops = 0, bytes = 0;
    Amount& operator+=(const Amount& o) { return calls += o.calls, flops += o.flops, bytes += o.bytes, *this; }
};

using MatmulShape = std::array<int64_t, 3>;  // M, N, K

// Collectives of one kind and size on one axis of the mesh.
struct Collective {
    std::string axis, kind;  // "dp", "reduce-scatter"
    double calls = 0;
    double bytes = 0;  // of the whole tensor, in one call
};

struct Counted {
    std::array<Amount, 4> work;             // by Work
    std::map<MatmulShape, Amount> matmuls;  // the matmuls by shape
    int64_t head_width = 0;                 // of the attention
    std::vector<Collective> collectives;
    double allocated = 0;    // bytes
    double whole_pages = 0;  // additional bytes if blocks are rounded up to huge pages, as on a CPU

    double flops() const;
    void add(const Collective&);
    // this + times · other
    Counted plus(const Counted& other, double times) const;
};

class Counting {
public:
    Counting();
    ~Counting();
    Counting(const Counting&) = delete;
    Counting& operator=(const Counting&) = delete;

    // The counts since the construction or the last call.
    Counted take();
    static Counted* current();  // null: no Counting exists

private:
    Counted counted_, *before_;
};

}  // namespace gradus
