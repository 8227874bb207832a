// Compares the emulator with itself: every probe gives the same, non-empty results in every order of threads.
#include "kernels/simt/settings.h"
#include "tests/conformance/compare.h"

using namespace gradus;

int main() {
    int bad = 0;
    for (const Probe& probe : simt::probes()) {
        std::string found;
        for (uint64_t seed : {1, 2, 3}) {
            simt::use({.seed = 0, .copies = simt::Copies::late});
            const Results want = results_of(simt_ops(), probe, seed);
            if (!some(want)) found = "nothing came out";
            for (uint64_t order : {1, 2, 3})
                for (simt::Copies copies : {simt::Copies::early, simt::Copies::late}) {
                    simt::use({.seed = order, .copies = copies});
                    const std::string differs = difference(probe, results_of(simt_ops(), probe, seed), want);
                    if (!differs.empty()) found = differs;
                }
        }
        std::printf("%-36s %s\n", probe.name, found.empty() ? "the same in every order" : found.c_str());
        bad += !found.empty();
    }
    return bad ? 1 : 0;
}
