#include "engine/batch.h"

#include <algorithm>

namespace gradus {

HostBatch::HostBatch(int batch, int context) : B(batch), T(context) {
    const size_t n = size_t(B) * size_t(T);
    tokens.assign(n, 0);
    targets.assign(n, -1);
    first_key.assign(n, 0);
    positions.resize(n);
    for (size_t i = 0; i < n; ++i) positions[i] = int32_t(i % size_t(T));
}

int64_t HostBatch::valid_targets() const {
    return std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
}

void Batch::declare(Arena& arena, int B, int T) {
    for (auto [name, tensor] : {std::pair{"tokens", &tokens}, {"targets", &targets}, {"positions", &positions}})
        arena.declare(name, *tensor, {int64_t(B) * T}, DType::i32);
    arena.declare("lo", lo, {B, T}, DType::i32);
    arena.declare("hi", hi, {B, T}, DType::i32);
    ends.resize(size_t(B) * size_t(T));
    for (size_t i = 0; i < ends.size(); ++i) ends[i] = int32_t(i % size_t(T)) + 1;
}

void Batch::upload(const Ops& ops, const HostBatch& host, Stream stream) {
    CHECK(host.T == hi.last() && int64_t(host.tokens.size()) == tokens.size(),
          "the batch has another shape than the model");
    ops.copy_to_device(tokens.data, host.tokens.data(), tokens.bytes(), stream);
    ops.copy_to_device(targets.data, host.targets.data(), targets.bytes(), stream);
    ops.copy_to_device(positions.data, host.positions.data(), positions.bytes(), stream);
    ops.copy_to_device(lo.data, host.first_key.data(), lo.bytes(), stream);
    ops.copy_to_device(hi.data, ends.data(), hi.bytes(), stream);
}

}  // namespace gradus
