#include "engine/noise.h"

#include <cmath>

namespace gradus {

void fill_amplitudes(Tensor amplitude, const HostBatch& host, double alpha, int channels) {
    CHECK(amplitude.size() == int64_t(host.tokens.size()));
    const auto put = [&](int64_t n, double x) {
        if (amplitude.dtype == DType::f64) amplitude.as<double>()[n] = x;
        else amplitude.as<float>()[n] = float(x);
    };
    for (int64_t row = 0; row < host.B; ++row) {
        const int64_t begin = row * host.T;
        for (int64_t first = 0, last = 0; first < host.T; first = last) {
            const int32_t key = host.first_key[size_t(begin + first)];
            while (last < host.T && host.first_key[size_t(begin + last)] == key) ++last;
            for (int64_t t = first; t < last; ++t)
                put(begin + t, alpha / std::sqrt(double(last - first) * double(channels)));
        }
    }
}

}  // namespace gradus
