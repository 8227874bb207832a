#include "engine/batch.h"

#include <algorithm>

#include "kernels/embedding.h"

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

void Columns::declare(Arena& arena, int B, int T) {
    each([&](const char* name, Tensor Columns::*column, bool by_sequence) {
        arena.declare(name, this->*column, by_sequence ? Shape{B, T} : Shape{int64_t(B) * T}, DType::i32);
    });
    arena.declare("first row", first_row, {2}, DType::i32);
}

size_t Columns::bytes() const { return size_t(first_row.as<char>() - tokens.as<char>()) + first_row.bytes(); }

void StagedBatch::take(const HostBatch& host, int64_t row) {
    CHECK(host.T == hi.last() && int64_t(host.tokens.size()) == tokens.size(), "the batch's shape is not the model's");
    std::copy(host.tokens.begin(), host.tokens.end(), tokens.as<int32_t>());
    std::copy(host.targets.begin(), host.targets.end(), targets.as<int32_t>());
    std::copy(host.positions.begin(), host.positions.end(), positions.as<int32_t>());
    std::copy(host.first_key.begin(), host.first_key.end(), lo.as<int32_t>());
    sorted_rows(order.as<int32_t>(), host.tokens.data(), tokens.size());
    sorted_rows(position_order.as<int32_t>(), host.positions.data(), positions.size());
    for (int64_t i = 0; i < hi.size(); ++i) hi.as<int32_t>()[i] = int32_t(i % hi.last()) + 1;
    causal = std::all_of(host.first_key.begin(), host.first_key.end(), [](int32_t first) { return first == 0; });
    *first_row.as<int64_t>() = row;
}

void Batch::upload(const Ops& ops, const StagedBatch& staged, Stream stream) {
    causal = staged.causal;
    CHECK(bytes() == staged.bytes(), "the columns of the host and of the device are laid out differently");
    ops.copy_to_device(tokens.data, staged.tokens.data, bytes(), stream);
}

}  // namespace gradus
