#include "tests/comm_mpi/ranks/scenarios.h"

#include <cmath>
#include <cstring>

namespace gradus {

namespace {

constexpr char poison_byte = char(0xff);
constexpr size_t fence = 64;

template <class Do>
void with_scalar(DType t, Do&& work) {
    switch (t) {
        case DType::f32: return work(float());
        case DType::bf16: return work(bf16());
        case DType::i32: return work(int32_t());
        case DType::f64: return work(double());
        case DType::c128: return work(c128());
    }
}

template <class Scalar>
Scalar scalar_of(double x) {
    if constexpr (std::is_same_v<Scalar, int32_t>) return int32_t(std::lround(x * 1000) % 1000000);
    if constexpr (std::is_same_v<Scalar, c128>) return {x, -x / 3};
    if constexpr (std::is_same_v<Scalar, bf16>) return bf16(float(x));
    if constexpr (std::is_floating_point_v<Scalar>) return Scalar(x);
}

}  // namespace

Memory::Memory(DType dtype, int64_t count)
    : dtype_(dtype), count_(count), used_(size_t(count) * size_of(dtype)), bytes_(used_ + fence, poison_byte) {}

void Memory::poison() { std::fill(bytes_.begin(), bytes_.end(), poison_byte); }

bool Memory::is_overrun() const {
    for (size_t i = used_; i < bytes_.size(); ++i)
        if (bytes_[i] != poison_byte) return true;
    return false;
}

double value_of(uint64_t key, int rank, int64_t i) {
    uint64_t x = key * 0x9e3779b97f4a7c15u + uint64_t(rank) * 0xbf58476d1ce4e5b9u + uint64_t(i) * 0x94d049bb133111ebu;
    for (int round = 0; round < 3; ++round) x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    const double fraction = double(x >> 11) * 0x1p-53 - 0.5;
    return std::ldexp(fraction, int(x % 12));
}

void store(Tensor t, int64_t i, double value) {
    with_scalar(t.dtype, [&](auto scalar) { t.as<decltype(scalar)>()[i] = scalar_of<decltype(scalar)>(value); });
}

void fill(Tensor t, uint64_t key, int rank) {
    for (int64_t i = 0; i < t.size(); ++i) store(t, i, value_of(key, rank, i));
}

void store_sum(Tensor t, int64_t i, uint64_t key, const std::vector<int>& ranks, int64_t at) {
    with_scalar(t.dtype, [&](auto scalar) {
        using Scalar = decltype(scalar);
        if constexpr (std::is_same_v<Scalar, bf16>) {
            float sum = float(scalar_of<bf16>(value_of(key, ranks[0], at)));
            for (size_t r = 1; r < ranks.size(); ++r) sum += float(scalar_of<bf16>(value_of(key, ranks[r], at)));
            t.as<bf16>()[i] = bf16(sum);
        } else {
            Scalar sum = scalar_of<Scalar>(value_of(key, ranks[0], at));
            for (size_t r = 1; r < ranks.size(); ++r) sum += scalar_of<Scalar>(value_of(key, ranks[r], at));
            t.as<Scalar>()[i] = sum;
        }
    });
}

void store_max(Tensor t, int64_t i, uint64_t key, const std::vector<int>& ranks, int64_t at) {
    double most = value_of(key, ranks[0], at);
    for (int r : ranks) most = std::max(most, value_of(key, r, at));
    if (t.dtype == DType::i32) {
        int32_t m = scalar_of<int32_t>(value_of(key, ranks[0], at));
        for (int r : ranks) m = std::max(m, scalar_of<int32_t>(value_of(key, r, at)));
        t.as<int32_t>()[i] = m;
    } else {
        store(t, i, most);  // rounding is monotonic
    }
}

void require(bool condition, const std::string& what) {
    if (!condition) throw Error("not as expected", what, "look at the scenario");
}

}  // namespace gradus
