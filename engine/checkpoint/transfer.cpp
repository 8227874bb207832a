#include "engine/checkpoint/transfer.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/base/progress.h"

namespace gradus {

namespace {

constexpr int64_t tile_rows = 64;  // of a transposed matrix: a tile's cache lines stay in the cache

// Calls step(first, count) for pieces of the tensor's rows.
template <class Step>
void in_pieces(Tensor t, bool transposed, Step&& step) {
    int64_t rows =
        std::max<int64_t>(1, transfer_piece_bytes / std::max<int64_t>(1, t.last() * int64_t(size_of(t.dtype))));
    if (transposed) rows = std::min(rows, tile_rows);
    for (int64_t first = 0; first < t.rows(); first += rows) step(first, std::min(rows, t.rows() - first));
}

}  // namespace

void copy_in(const Ops& ops, Stream stream, Tensor to, Strided<const std::byte> from) {
    std::vector<std::byte> piece;
    in_pieces(to, from.column != 1, [&](int64_t first, int64_t count) {
        const Tensor rows = to.slice(first, count);
        piece.resize(rows.bytes());
        Strided<const std::byte> here = from;
        here.data += size_t(first * from.row) * size_of(from.element);
        copy_elements({piece.data(), element_of(to.dtype), to.last(), 1}, here, count, to.last());
        ops.copy_to_device(rows.data, piece.data(), piece.size(), stream);
        ops.synchronise(stream);  // the buffer is reused
        add_progress(piece.size());
    });
}

void copy_out(const Ops& ops, Stream stream, Strided<std::byte> to, Tensor from) {
    std::vector<std::byte> piece;
    in_pieces(from, to.column != 1, [&](int64_t first, int64_t count) {
        const Tensor rows = from.slice(first, count);
        piece.resize(rows.bytes());
        ops.copy_to_host(piece.data(), rows.data, piece.size(), stream);
        ops.synchronise(stream);
        Strided<std::byte> here = to;
        here.data += size_t(first * to.row) * size_of(to.element);
        copy_elements(here, {piece.data(), element_of(from.dtype), from.last(), 1}, count, from.last());
    });
}

const Ops& host_memory() {
    static const Ops table = {
        .name = "host memory",
        .copy_to_device = [](void* to, const void* from, size_t bytes, Stream) { std::memcpy(to, from, bytes); },
        .copy_to_host = [](void* to, const void* from, size_t bytes, Stream) { std::memcpy(to, from, bytes); },
        .synchronise = [](Stream) {},
    };
    return table;
}

}  // namespace gradus
