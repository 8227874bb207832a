#pragma once
// Memory of a training process on a CPU besides its arenas.
//
//   program    code, libraries, tokenizer, stacks of the threads; with several ranks, MPI
//   pages      large blocks are rounded up to huge pages
//   scratch    buffers of the kernels, which grow to the largest call and are kept (kernels/cpu/buffer.h): the packed
//              panels of a matmul, the packed heads of attention, the partial sums of norms
//   host       batches on the host, before they are copied to the inputs; a piece of a weight that is saved; the logits
//              of samples
//   data       touched pages of the mapped shards, which the system may reclaim at any time
//
// program and the pages of a sample were measured (docs/scaling.md); the rest is computed from the kernels' layouts.
#include "engine/mesh.h"
#include "engine/plan/counting_ops.h"
#include "engine/run.h"

namespace gradus {

struct CpuRun {
    int threads = 1, ranks = 1;  // threads of a rank
    double sequences = 0;        // of a step, on this rank
    double mapped_bytes = 0;     // of the shards
    double steps = 0;
    double largest_weight = 0;  // bytes
    double whole_pages = 0;     // of the arenas (Counted::whole_pages)
    double samples = 0;         // bytes of the rows and logits that samples have on the host
};

struct CpuProcess {
    double program = 0, pages = 0, scratch = 0, host = 0, data = 0;
    double total() const { return program + pages + scratch + host + data; }
};
CpuProcess cpu_process(const Run&, const Counted& step, const CpuRun&);

// Receive buffers of engine/comm_mpi, for all groups of the mesh (engine/comm_buffers.h).
double cpu_staging(const MeshSizes&);

}  // namespace gradus
