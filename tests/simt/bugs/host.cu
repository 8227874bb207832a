// Bugs of the host: it accesses memory that queued work still uses.
#include <cstdio>
#include <vector>

#include "tests/simt/bugs/bugs.h"

namespace gradus::simt {

namespace {

__global__ void twice(float* y) { y[threadIdx.x] *= 2; }

__global__ void fill(float* y) {
    y[threadIdx.x] = 1;  // BUG released_too_early
}

}  // namespace

Bugs bugs_of_the_host() {
    return {{"read_before_synchronise",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 std::vector<float> host(64);
                 launch(twice, 1, 64, 0, {}, y);
                 copy_to_host(host.data(), y, 64 * sizeof(float), {});
                 if (fixed) synchronise({});
                 std::printf("%g\n", host[5]);  // BUG read_before_synchronise
                 synchronise({});
             }},
            {"written_before_synchronise",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 std::vector<float> host(64);
                 copy_to_device(y, host.data(), 64 * sizeof(float), {});
                 if (fixed) synchronise({});
                 host[5] = 1;  // BUG written_before_synchronise
                 synchronise({});
             }},
            {"device_memory_on_the_host",
             [](bool fixed) {
                 DeviceArray<float> y(64);
                 launch(twice, 1, 64, 0, {}, y);
                 synchronise({});
                 if (!fixed) std::printf("%g\n", y[5]);  // BUG device_memory_on_the_host
             }},
            {"released_too_early", [](bool fixed) {
                 auto* y = static_cast<float*>(allocate(64 * sizeof(float)));
                 if (!fixed) release(y, 64 * sizeof(float));
                 launch(fill, 1, 64, 0, {}, y);
                 synchronise({});
                 if (fixed) release(y, 64 * sizeof(float));
             }}};
}

}  // namespace gradus::simt
