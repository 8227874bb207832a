#pragma once
// Runs a probe on a backend's device, and compares results.
#include <bit>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/base/philox.h"
#include "kernels/ops.h"
#include "tests/conformance/probes.h"

namespace gradus {

using Results = std::vector<uint32_t>;

inline Results results_of(const Ops& ops, const Probe& probe, uint64_t seed) {
    std::vector<uint32_t> words(probe_words);
    for (size_t i = 0; i < words.size(); ++i) words[i] = Philox{seed}.words(i)[0];
    Results results(probe_results);
    const size_t in = words.size() * 4, out = results.size() * 4;
    auto* from = static_cast<uint32_t*>(ops.allocate(in));
    auto* to = static_cast<uint32_t*>(ops.allocate(out));
    ops.copy_to_device(from, words.data(), in, {});
    ops.zero(to, out, {});
    probe.run(from, to, {});
    ops.copy_to_host(results.data(), to, out, {});
    ops.synchronise({});
    ops.release(from, in);
    ops.release(to, out);
    return results;
}

// Empty if the results agree within the probe's tolerance; NaN agrees only with NaN.
inline std::string difference(const Probe& probe, const Results& got, const Results& want) {
    for (size_t i = 0; i < want.size(); ++i) {
        if (got[i] == want[i]) continue;
        const float g = std::bit_cast<float>(got[i]), w = std::bit_cast<float>(want[i]);
        const double bound = probe.tolerance * (1 + std::abs(double(w)));
        if (probe.tolerance > 0 && std::abs(double(g) - double(w)) <= bound) continue;
        char text[160];
        std::snprintf(text, sizeof text, "result %zu is %08x (%g), on the emulator %08x (%g)", i, got[i], double(g),
                      want[i], double(w));
        return text;
    }
    return "";
}

inline bool some(const Results& r) {
    for (uint32_t x : r)
        if (x) return true;
    return false;
}

}  // namespace gradus
