// Tables for the score functions of attention: kernels/attention_bias.h.
#include "kernels/attention_bias.h"

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"

namespace gradus {

std::vector<float> alibi_slopes(int H) {
    CHECK(H >= 1, "no heads");
    std::vector<float> slopes;
    int power = 1;
    while (2 * power <= H) power *= 2;
    for (int h = 0; h < power; ++h) slopes.push_back(float(std::exp2(-8.0 * (h + 1) / power)));
    for (int h = 0; h < H - power; ++h) slopes.push_back(float(std::exp2(-8.0 * (2 * h + 1) / (2 * power))));
    return slopes;
}

namespace {

// A natural number, its lowest 32 bits first.
using Natural = std::vector<uint32_t>;

void multiply(Natural& n, uint32_t by) {
    uint64_t carry = 0;
    for (uint32_t& digit : n) {
        carry += uint64_t(digit) * by;
        digit = uint32_t(carry);
        carry >>= 32;
    }
    if (carry) n.push_back(uint32_t(carry));
}

// a^i · b^j
Natural powers(uint32_t a, int i, uint32_t b, int j) {
    Natural n = {1};
    while (i-- > 0) multiply(n, a);
    while (j-- > 0) multiply(n, b);
    return n;
}

bool at_least(const Natural& a, const Natural& b) {
    if (a.size() != b.size()) return a.size() > b.size();
    return !std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

}  // namespace

int relative_bucket(const RelativeBuckets& of, int64_t distance) {
    const int n = of.bidirectional ? of.buckets / 2 : of.buckets, exact = n / 2;
    CHECK(exact >= 1 && of.farthest > exact, "too few buckets, or a farthest distance among the nearest");
    const int first = of.bidirectional && distance > 0 ? n : 0;
    const int64_t r = of.bidirectional ? std::abs(distance) : std::max<int64_t>(-distance, 0);
    if (r < exact) return first + int(r);
    if (r >= of.farthest) return first + n - 1;
    const Natural far = powers(uint32_t(r), n - exact, 1, 0);
    int step = 0;
    while (step + 1 < n - exact &&
           at_least(far, powers(uint32_t(of.farthest), step + 1, uint32_t(exact), n - exact - step - 1)))
        ++step;
    return first + exact + step;
}

}  // namespace gradus
