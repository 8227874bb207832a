#include "engine/batch.h"

#include <algorithm>

namespace gradus {

HostBatch::HostBatch(int batch, int context) : B(batch), T(context) { clear(); }

void HostBatch::clear() {
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

double sum_of_losses(Tensor losses) {
    double sum = 0;
    for (int64_t i = 0; i < losses.size(); ++i)
        sum += losses.dtype == DType::f64 ? losses.as<double>()[i] : double(losses.as<float>()[i]);
    return sum;
}

namespace {

template <class Some>
void declare_all(Some& batch, Arena& arena, int B, int T) {
    for (auto [name, tensor] :
         {std::pair{"tokens", &batch.tokens}, {"targets", &batch.targets}, {"positions", &batch.positions}})
        arena.declare(name, *tensor, {int64_t(B) * T}, DType::i32);
    arena.declare("lo", batch.lo, {B, T}, DType::i32);
    arena.declare("hi", batch.hi, {B, T}, DType::i32);
}

}  // namespace

void StagedBatch::declare(Arena& on_host, int B, int T) { declare_all(*this, on_host, B, T); }

void StagedBatch::take(const HostBatch& host) {
    CHECK(host.T == hi.last() && int64_t(host.tokens.size()) == tokens.size(),
          "the batch has another shape than the model");
    std::copy(host.tokens.begin(), host.tokens.end(), tokens.as<int32_t>());
    std::copy(host.targets.begin(), host.targets.end(), targets.as<int32_t>());
    std::copy(host.positions.begin(), host.positions.end(), positions.as<int32_t>());
    std::copy(host.first_key.begin(), host.first_key.end(), lo.as<int32_t>());
    for (int64_t i = 0; i < hi.size(); ++i) hi.as<int32_t>()[i] = int32_t(i % hi.last()) + 1;
}

void Batch::declare(Arena& arena, int B, int T) { declare_all(*this, arena, B, T); }

void Batch::upload(const Ops& ops, const StagedBatch& staged, Stream stream) {
    for (auto [to, from] : {std::pair{&tokens, &staged.tokens},
                            {&targets, &staged.targets},
                            {&positions, &staged.positions},
                            {&lo, &staged.lo},
                            {&hi, &staged.hi}})
        ops.copy_to_device(to->data, from->data, to->bytes(), stream);
}

}  // namespace gradus
