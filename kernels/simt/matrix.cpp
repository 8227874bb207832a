#include "kernels/simt/matrix.h"

#include <cstring>

#include "kernels/simt/block.h"
#include "kernels/simt/collective.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

struct LoadOperands {
    unsigned* registers;
    const void* row;
    int count;
    bool transposed;
};

uint16_t element(const Lanes& lanes, int matrix, int row, int column) {
    uint16_t bits;
    std::memcpy(&bits, static_cast<const char*>(lanes.of<LoadOperands>(8 * matrix + row).row) + 2 * column, 2);
    return bits;
}

void combine_load(const Lanes& lanes) {
    for (int lane = 0; lane < warp_size; ++lane) {
        const auto& mine = lanes.of<LoadOperands>(lane);
        const int across = lane / 4, along = lane % 4 * 2;
        for (int m = 0; m < mine.count; ++m) {
            const uint16_t low = mine.transposed ? element(lanes, m, along, across) : element(lanes, m, across, along);
            const uint16_t high =
                mine.transposed ? element(lanes, m, along + 1, across) : element(lanes, m, across, along + 1);
            mine.registers[m] = unsigned(high) << 16 | low;
        }
    }
}

struct MultiplyOperands {
    float* d;
    const unsigned *a, *b;
};

void combine_multiply(const Lanes& lanes) {
    float a[16][16], b[16][8], d[16][8];
    for (int lane = 0; lane < warp_size; ++lane) {
        const auto& mine = lanes.of<MultiplyOperands>(lane);
        const int group = lane / 4, pair = lane % 4 * 2;
        for (int i = 0; i < 4; ++i) {  // rows group and group + 8, of the first and of the last eight columns
            const int row = group + i % 2 * 8, column = pair + i / 2 * 8;
            a[row][column] = low_half(mine.a[i]);
            a[row][column + 1] = high_half(mine.a[i]);
        }
        for (int half = 0; half < 2; ++half) {
            b[pair + 8 * half][group] = low_half(mine.b[half]);
            b[pair + 8 * half + 1][group] = high_half(mine.b[half]);
            d[group + 8 * half][pair] = mine.d[2 * half];
            d[group + 8 * half][pair + 1] = mine.d[2 * half + 1];
        }
    }
    for (int i = 0; i < 16; ++i)
        for (int k = 0; k < 16; ++k)
            for (int j = 0; j < 8; ++j) d[i][j] += a[i][k] * b[k][j];
    for (int lane = 0; lane < warp_size; ++lane) {
        const auto& mine = lanes.of<MultiplyOperands>(lane);
        const int group = lane / 4, pair = lane % 4 * 2;
        for (int half = 0; half < 2; ++half) {
            mine.d[2 * half] = d[group + 8 * half][pair];
            mine.d[2 * half + 1] = d[group + 8 * half][pair + 1];
        }
    }
}

void combine_multiply_tf32(const Lanes& lanes) {
    float a[16][8], b[8][8];
    for (int lane = 0; lane < warp_size; ++lane) {
        const auto& mine = lanes.of<MultiplyOperands>(lane);
        const int group = lane / 4, column = lane % 4;
        for (int i = 0; i < 4; ++i) a[group + i % 2 * 8][column + i / 2 * 4] = tf32_of(mine.a[i]);
        for (int i = 0; i < 2; ++i) b[column + 4 * i][group] = tf32_of(mine.b[i]);
    }
    for (int lane = 0; lane < warp_size; ++lane) {
        const auto& mine = lanes.of<MultiplyOperands>(lane);
        for (int i = 0; i < 4; ++i)
            for (int k = 0; k < 8; ++k) mine.d[i] += a[lane / 4 + i / 2 * 8][k] * b[k][lane % 4 * 2 + i % 2];
    }
}

}  // namespace

void ldmatrix(unsigned* registers, const void* row, int count, bool transposed, Location at) {
    const char* const op = transposed ? "ldmatrix.trans" : "ldmatrix";
    const Thread& thread = self(op, at);
    if (thread.lane < 8 * count) {
        if (reinterpret_cast<uintptr_t>(row) % 16)
            fault(std::string(op) + ": a row's address is not a multiple of 16", at);
        check_shared(op, row, 16, at);
        record_read(row, 16);
        if (counting) count_access(at, row, 16, false);
    }
    LoadOperands operands{registers, row, count, transposed};
    const bool last = rendezvous(op, Team::warp, all_of(Team::warp), &operands, combine_load, at);
    if (last && counting) add_count(Counted::ldmatrix);
}

void multiply_bf16(float* d, const unsigned* a, const unsigned* b, Location at) {
    MultiplyOperands operands{d, a, b};
    const bool last = rendezvous("mma.m16n8k16", Team::warp, all_of(Team::warp), &operands, combine_multiply, at);
    if (!last || !counting) return;
    add_count(Counted::mma);
    add_count(Counted::mma_flops, 2.0 * 16 * 8 * 16);
}

void multiply_tf32(float* d, const unsigned* a, const unsigned* b, Location at) {
    MultiplyOperands operands{d, a, b};
    const bool last = rendezvous("mma.m16n8k8", Team::warp, all_of(Team::warp), &operands, combine_multiply_tf32, at);
    if (!last || !counting) return;
    add_count(Counted::mma);
    add_count(Counted::tf32_flops, 2.0 * 16 * 8 * 8);
}

}  // namespace gradus::emulator
