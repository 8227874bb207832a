#pragma once
// What a training process on a CPU takes beside its arenas, by cause.
//
//   program    code, libraries, tokenizer, stacks of the threads; with several ranks, MPI
//   pages      large blocks lie on whole huge pages
//   scratch    buffers of the kernels, which grow to the largest call and stay (kernels/cpu/buffer.h): the packed panels of
//              a matrix product, the packed heads of attention, the partial sums of norms
//   host       the batches that a step reads, before they are copied into the inputs; a piece of a weight that is saved; the
//              logits of samples
//   data       pages of the mapped shards that the run has touched; the system may take them back at any time
//
// program and the pages behind a sample were measured (docs/scaling.md); the rest follows the kernels' own layouts.
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

// What engine/comm_mpi receives messages in, for all groups of the mesh (engine/comm_buffers.h).
double cpu_staging(const MeshSizes&);

}  // namespace gradus
