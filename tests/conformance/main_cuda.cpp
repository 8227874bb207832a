// Compares a GPU with the emulator, probe by probe. Exit status 0: they agree.
#include "tests/conformance/compare.h"

using namespace gradus;

int main() {
    try {
        const Ops& gpu = cuda_ops();
        const int capability = cuda_capability();
        int bad = 0;
        for (size_t i = 0; i < cuda::probes().size(); ++i) {
            const Probe &on_gpu = cuda::probes()[i], &on_cpu = simt::probes()[i];
            if (capability < on_gpu.capability || (on_gpu.only_there && capability != on_gpu.capability)) {
                std::printf("%-36s skipped: needs compute capability %d\n", on_gpu.name, on_gpu.capability);
                continue;
            }
            if (on_gpu.only_there && results_of(gpu, on_gpu, 1)[0] == no_code) {
                std::printf("%-36s skipped: this build has no code for sm_%da\n", on_gpu.name, on_gpu.capability);
                continue;
            }
            std::string found;
            for (uint64_t seed = 1; seed <= 20 && found.empty(); ++seed)
                found = difference(on_gpu, results_of(gpu, on_gpu, seed), results_of(simt_ops(), on_cpu, seed));
            std::printf("%-36s %s\n", on_gpu.name, found.empty() ? "agrees" : found.c_str());
            bad += !found.empty();
        }
        return bad ? 1 : 0;
    } catch (const Error& e) {
        std::fprintf(stderr, "%s\n", e.text().c_str());
        return 1;
    }
}
