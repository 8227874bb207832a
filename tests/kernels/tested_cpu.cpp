// The CPU backend with several numbers of threads.
#include <omp.h>

#include "tests/kernels/table/tested.h"

namespace gradus::test {

const Tested& tested() {
    static const int usual = omp_get_max_threads();
    const auto threads = [](int n) {
        return Configuration{std::to_string(n) + " threads", [n] { omp_set_num_threads(n); }};
    };
    static const Tested table = {.device = cpu_ops(),
                                 .ops = cpu_ops(),
                                 .configurations = {threads(usual), threads(1), threads(2), threads(3)},
                                 .slow = false};
    return table;
}

}  // namespace gradus::test
