// The keys and values of the rows of a step, written to their slots of the cache.
//
// Plan. One thread per 16 bytes of a row's keys, and the same of its values; one per element for tensors that are not aligned.
// It is a kernel of its own, before attention, because a row attends to slots that other rows of this step write.
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/decoding/decoding.h"

namespace gradus::DEVICE {

namespace {

// Unit: Pack<Scalar>, or one Scalar.
template <class Unit, class Scalar>
__global__ void cache_write_kernel(Cache<Scalar> cache, HeadRows<const Scalar> k, HeadRows<const Scalar> v,
                                   RowPlaces rows) {
    constexpr int size = sizeof(Unit) / sizeof(Scalar);
    const int64_t units = cache.D / size, i = element(), d = i % units * size, g = i / units % cache.G,
                  n = i / units / cache.G;
    if (n >= rows.N) return;
    const int32_t sequence = rows.sequence[n], position = rows.position[n];
    device_check(sequence >= 0 && sequence < cache.S);
    device_check(position >= 0 && position < cache.P);
    const int64_t slot = cache.slot(sequence, g, position) + d;
    const Unit key = *reinterpret_cast<const Unit*>(k.at(0, n, g) + d),
               value = *reinterpret_cast<const Unit*>(v.at(0, n, g) + d);
    *reinterpret_cast<Unit*>(cache.k + slot) = key;
    *reinterpret_cast<Unit*>(cache.v + slot) = value;
}

}  // namespace

void write_cache(const AttentionCached& a, Stream s) {
    const RowPlaces rows = places_of(a);
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const auto cache = cache_of<Scalar>(a);
        const auto k = heads_of<const Scalar>(a.k, rows.N, a.D), v = heads_of<const Scalar>(a.v, rows.N, a.D);
        const int64_t elements = int64_t(rows.N) * a.G * a.D;
        if (heads_fit_packs(a.D, {a.k, a.v, a.k_cache, a.v_cache}))
            launch_elements(cache_write_kernel<Pack<Scalar>, Scalar>, elements / Pack<Scalar>::size, s, cache, k, v,
                            rows);
        else launch_elements(cache_write_kernel<Scalar, Scalar>, elements, s, cache, k, v, rows);
    });
}

}  // namespace gradus::DEVICE
