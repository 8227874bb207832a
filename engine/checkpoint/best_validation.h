#pragma once
// The lowest validation loss of a run so far, and for how many validations there has been no lower one.
#include <cstdint>
#include <limits>

namespace gradus {

struct BestValidation {
    int64_t step = 0;  // of the lowest loss; 0: none yet
    double loss = std::numeric_limits<double>::infinity();
    int64_t without = 0;
    bool kept = false;  // its checkpoint is

    bool improves(double other) const { return other < loss; }  // NaN and infinity do not
    void add(int64_t at, double other, bool better, bool keep) {
        *this = better ? BestValidation{at, other, 0, keep} : BestValidation{step, loss, without + 1, kept};
    }
    bool operator==(const BestValidation&) const = default;
};

}  // namespace gradus
