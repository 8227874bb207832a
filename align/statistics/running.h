#pragma once
// Mean and standard deviation of numbers that come one at a time, without the cancellation of Σx² − (Σx)²/n. Two of them add
// up as if all numbers had come to one. Sources: Welford 1962; Chan, Golub, LeVeque 1979 (addition).
#include <cmath>

namespace gradus {

struct Running {
    double count = 0, mean = 0;
    double squares = 0;  // Σ (x − mean)²

    void add(double x) {
        count += 1;
        const double before = x - mean;
        mean += before / count;
        squares += before * (x - mean);
    }
    void operator+=(const Running& o) {
        if (o.count == 0) return;
        const double all = count + o.count, apart = o.mean - mean;
        squares += o.squares + apart * apart * count * o.count / all;
        mean += apart * o.count / all;
        count = all;
    }

    // Unbiased, over n − 1; 0 with fewer than two numbers.
    double sd() const { return count > 1 ? std::sqrt(squares / (count - 1)) : 0; }
    double standard_error() const { return count > 0 ? sd() / std::sqrt(count) : 0; }
};

}  // namespace gradus
