#pragma once
// The tables that a program compares with PyTorch's results, and the tolerances.
#include <vector>

#include "kernels/ops.h"

namespace gradus::test {

struct GoldenTable {
    const Ops& ops;
    DType dtype;
    double bound;        // relative, against the golden of the table's precision
    const char* suffix;  // "64": the golden in double
};

std::vector<GoldenTable> golden_tables();

}  // namespace gradus::test
