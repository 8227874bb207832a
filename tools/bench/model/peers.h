#pragma once
// Published figures of other projects' kernels, and what these kernels ask for, by formulas from their published tiles. The kernels
// themselves are not run. docs/bench/model.md is printed from this list.
#include <string>
#include <vector>

#include "tools/bench/model/estimate.h"

namespace gradus {

struct Published {
    std::string kernel, shape, card, unit;  // unit: TFLOP/s, GB/s or tokens/s
    double value;
    double amount;  // FLOPs, bytes or tokens of the row: value = amount / seconds
    std::vector<KernelWork> works;
    double repeats = 1;  // of the works: layers, micro-batches
    std::string source;
    bool fitted = false;  // the constants were chosen on this row
};

const std::vector<Published>& published();

struct Modelled {
    double seconds, value, error;  // error: modelled over published, minus one
    std::string limit;             // of the work that takes longest
};
Modelled model(const Published&, const ModelConstants& = {});

double median_error(bool fitted,
                    const ModelConstants& = {});  // of the absolute errors of the rows that are, or are not, fitted

}  // namespace gradus
