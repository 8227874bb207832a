#include "kernels/simt/warp_access.h"

#include <algorithm>

namespace gradus::emulator {

namespace {

// The distinct values of value(lane) … of all lanes in `mask`, sorted; `each(lane, add)` calls add(value) for those of a lane.
template <class Each>
int distinct(uint32_t mask, uint64_t* values, Each each) {
    int count = 0;
    bool sorted = true;
    for (int lane = 0; lane < 32; ++lane) {
        if (!(mask >> lane & 1)) continue;
        each(lane, [&](uint64_t value) {
            if (count && value == values[count - 1]) return;
            sorted = sorted && (!count || value > values[count - 1]);
            values[count++] = value;
        });
    }
    if (sorted) return count;
    std::sort(values, values + count);
    return int(std::unique(values, values + count) - values);
}

int distinct_bytes(const WarpAccess& a) {
    uint64_t first[32];
    const int count = distinct(a.mask, first, [&](int lane, auto add) { add(a.address[lane]); });
    int bytes = 0;
    for (int i = 0; i < count; ++i) {
        const uint64_t end = first[i] + a.bytes;
        bytes += int((i + 1 < count ? std::min(end, first[i + 1]) : end) - first[i]);
    }
    return bytes;
}

int divided_up(int n, int by) { return (n + by - 1) / by; }

// Wavefronts of the lanes of one phase.
Transactions phase_of(const WarpAccess& a, uint32_t mask) {
    uint64_t words[32 * 4];
    const int count = distinct(mask, words, [&](int lane, auto add) {
        for (uint64_t w = a.address[lane] / bank_bytes; w <= (a.address[lane] + a.bytes - 1) / bank_bytes; ++w) add(w);
    });
    int of_bank[banks] = {}, most = 0;
    for (int i = 0; i < count; ++i) most = std::max(most, ++of_bank[words[i] % banks]);
    return {most, divided_up(count, banks), 0};
}

}  // namespace

Transactions sectors_of(const WarpAccess& a, uint64_t* sectors) {
    Transactions t;
    t.count = distinct(a.mask, sectors, [&](int lane, auto add) {
        for (uint64_t s = a.address[lane] / sector_bytes; s <= (a.address[lane] + a.bytes - 1) / sector_bytes; ++s)
            add(s);
    });
    t.bytes = distinct_bytes(a);
    t.ideal = divided_up(t.bytes, sector_bytes);
    return t;
}

Transactions wavefronts_of(const WarpAccess& a) {
    Transactions t;
    t.bytes = distinct_bytes(a);
    const int phases = a.bytes <= 4 ? 1 : a.bytes <= 8 ? 2 : 4, lanes = 32 / phases;
    for (int p = 0; p < phases; ++p) {
        const uint32_t of_phase = phases == 1 ? ~0u : ((1u << lanes) - 1) << (p * lanes);
        if (!(a.mask & of_phase)) continue;
        const Transactions phase = phase_of(a, a.mask & of_phase);
        t.count += phase.count;
        t.ideal += phase.ideal;
    }
    return t;
}

}  // namespace gradus::emulator
