// The CUDA kernels on the emulator: the bits are the same in every order of threads, blocks and streams, with early and late
// copies.
#include <cstdlib>

#include "kernels/simt/settings.h"
#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

const Tested& tested() {
    static const Tested table = [] {
        const int capability = simt::settings().capability;  // of GRADUS_SIMT
        std::vector<Configuration> configurations;
        for (const char* text : {"seed=1 copies=late resident=1", "seed=2 copies=early resident=2",
                                 "seed=3 copies=late resident=4", "seed=0 copies=early resident=1"}) {
            simt::Settings settings = simt::parse_settings(text);
            settings.capability = capability;
            configurations.push_back({text, [settings] { simt::use(settings); }});
        }
        configurations.front().enter();
        return Tested{.device = simt_ops(),
                      .ops = hosted(simt_ops()),
                      .configurations = configurations,
                      .slow = std::getenv("GRADUS_SLOW") != nullptr,
                      .matmuls = {MatmulKernel::library, MatmulKernel::own}};
    }();
    return table;
}

}  // namespace gradus::test
