// Whether a tensor repeats another one, or a constant that the program computes itself.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/stored_tensors.h"
#include "engine/layers/rope.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

using Entry = SafetensorsFile::Entry;

int64_t size_of(const Entry& e) { return int64_t(e.bytes / *stored_size(e.dtype)); }

// Values of a tensor as f64; empty if its dtype is not supported. BOOL, U8 and I8 are read as bytes.
std::vector<double> numbers(const Entry& e, int64_t first, int64_t count) {
    std::vector<double> all(static_cast<size_t>(count));
    const std::byte* from = e.data + size_t(first) * *stored_size(e.dtype);
    if (e.dtype == "BOOL" || e.dtype == "U8" || e.dtype == "I8") {
        for (int64_t i = 0; i < count; ++i) all[size_t(i)] = double(uint8_t(from[i]));
        return all;
    }
    const auto element = element_of(e.dtype);
    if (!element) return {};
    copy_elements({reinterpret_cast<std::byte*>(all.data()), Element::f64, count, 1}, {from, *element, count, 1}, 1,
                  count);
    return all;
}

// [1,1,T,T], ones on and below the diagonal.
bool is_causal_mask(const Entry& e) {
    const std::vector<int64_t>& shape = e.shape;
    if (shape.size() < 2 || shape.back() != shape[shape.size() - 2]) return false;
    if (std::any_of(shape.begin(), shape.end() - 2, [](int64_t n) { return n != 1; })) return false;
    const int64_t T = shape.back();
    for (int64_t row = 0; row < T; ++row) {
        const std::vector<double> seen = numbers(e, row * T, T);
        for (int64_t key = 0; key < T; ++key)
            if (seen.empty() || seen[size_t(key)] != (key <= row ? 1 : 0)) return false;
    }
    return true;
}

// A single number far below every score.
bool is_masked_score(const Entry& e) {
    constexpr double highest = -1e4;
    if (size_of(e) != 1) return false;
    const std::vector<double> score = numbers(e, 0, 1);
    return !score.empty() && score[0] <= highest;
}

// Compares in half precision, which some files use.
bool are_frequencies(const Entry& e, const ModelConfig& m) {
    constexpr double relative = 1e-2, absolute = 1e-7;
    const std::vector<double> expected = rope_frequencies(m);
    if (e.shape != std::vector<int64_t>{int64_t(expected.size())}) return false;
    const std::vector<double> found = numbers(e, 0, int64_t(expected.size()));
    for (size_t i = 0; i < expected.size(); ++i)
        if (found.empty() || !(std::abs(found[i] - expected[i]) <= relative * expected[i] + absolute)) return false;
    return true;
}

}  // namespace

bool same_content(const Entry& a, const Entry& b) {
    if (a.shape != b.shape) return false;
    if (a.dtype == b.dtype && std::memcmp(a.data, b.data, a.bytes) == 0) return true;
    if (!element_of(a.dtype) || !element_of(b.dtype)) return false;
    constexpr int64_t at_once = 1 << 16;
    for (int64_t first = 0, size = size_of(a); first < size; first += at_once) {
        const int64_t count = std::min(at_once, size - first);
        if (numbers(a, first, count) != numbers(b, first, count)) return false;
    }
    return true;
}

bool is_redundant(const Entry& e, const ModelConfig& m) {
    for (const ComputedTensor& computed : family_named(m.family).computed) {
        if (!e.name.ends_with(computed.ending)) continue;
        switch (computed.content) {
            case ComputedTensor::causal_mask: return is_causal_mask(e);
            case ComputedTensor::masked_score: return is_masked_score(e);
            case ComputedTensor::rotary_frequencies: return are_frequencies(e, m);
        }
    }
    return false;
}

}  // namespace gradus
