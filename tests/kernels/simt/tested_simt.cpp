// The CUDA kernels on the emulator: the bits are the same in every order of threads, blocks and streams, with early and late
// copies, and in a replayed graph.
#include <cstdlib>

#include "kernels/simt/settings.h"
#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

const Tested& tested() {
    static const Tested table = [] {
        const int capability = simt::settings().capability;  // of GRADUS_SIMT
        std::vector<Configuration> configurations;
        const auto add = [&](const char* text, bool in_graphs) {
            simt::Settings settings = simt::parse_settings(text);
            settings.capability = capability;
            configurations.push_back({text + std::string(in_graphs ? ", in graphs" : ""), [settings, in_graphs] {
                                          simt::use(settings);
                                          capture_calls(in_graphs);
                                      }});
        };
        add("seed=1 copies=late resident=1", false);
        add("seed=2 copies=early resident=2", false);
        add("seed=3 copies=late resident=4", true);
        add("seed=0 copies=early resident=1", false);
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
