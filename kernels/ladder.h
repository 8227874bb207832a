#pragma once
// The ladders: for a few ops, a series of kernels from naive to shipped, each of which adds one idea to the one before. They
// exist to be read and measured (docs/kernels/), and compute what the ops of the table compute.
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gradus {

struct Rung {
    std::string family, name;  // "matmul", "naive"
    std::string idea;          // what it adds to the rung before it, in one line
    int capability;            // the least compute capability that runs it: 80, 90
    std::string cases;         // the names of its tests (tests/kernels/table/), with * for any text
    Ops table;                 // a backend's table with the ops of this rung in place of its own
};

const std::vector<Rung>& cuda_ladder();  // on the GPU of cuda_ops()
const std::vector<Rung>& simt_ladder();  // in the emulator

}  // namespace gradus
