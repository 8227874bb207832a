#include "kernels/simt/matrix_descriptor.h"

#include <cstring>

#include "kernels/scalar.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/shared.h"

namespace gradus::emulator {

namespace {

constexpr int chunk_elements = 8;  // 16 bytes

struct Layout {
    unsigned start, leading, stride;  // bytes
    unsigned width;  // bytes of a row of the swizzle pattern, which has eight rows: 16 (none), 32, 64 or 128

    explicit Layout(uint64_t descriptor)
        : start(field(descriptor, 0)), leading(field(descriptor, 16)), stride(field(descriptor, 32)) {
        constexpr unsigned widths[] = {16, 128, 64, 32};
        width = widths[descriptor >> 62];
    }

    // Row i of m or n, chunk p of k.
    unsigned k_major(unsigned i, unsigned p) const {
        return swizzled(start + i % 8 * width + i / 8 * stride + p * (width == 16 ? leading : 16));
    }
    // Row k, chunk p of m or n.
    unsigned mn_major(unsigned k, unsigned p) const {
        if (width == 16) return start + k % 8 * 16 + k / 8 * leading + p * stride;
        const unsigned across = width / 16;
        return swizzled(start + k % 8 * width + k / 8 * stride + p % across * 16 + p / across * leading);
    }

    // The address bits that select a 128-byte row of the pattern. They are XORed into bits 4 and up, which permutes the chunks
    // within each row.
    unsigned pattern() const { return (width / 16 - 1) << 7; }

private:
    static unsigned field(uint64_t descriptor, int shift) { return unsigned(descriptor >> shift & 0x3fff) << 4; }
    unsigned swizzled(unsigned address) const { return address ^ (address & pattern()) >> 3; }
};

}  // namespace

std::vector<const char*> matrix_chunks(const SharedMemory& shared, uint64_t descriptor, bool k_major, int rows,
                                       const char* operand, Location at) {
    const Layout layout(descriptor);
    if (layout.start & layout.pattern())
        fault("wgmma: " + std::string(operand) + " starts at shared address " + std::to_string(layout.start) +
                  ", but its swizzle of " + std::to_string(layout.width) + " bytes repeats every " +
                  std::to_string(8 * layout.width) + " bytes: align the tile to that",
              at);
    const unsigned outer = unsigned(k_major ? rows : wgmma_depth),
                   inner = unsigned(k_major ? wgmma_depth : rows) / chunk_elements;
    std::vector<const char*> chunks;
    chunks.reserve(outer * inner);
    for (unsigned i = 0; i < outer; ++i)
        for (unsigned p = 0; p < inner; ++p) {
            const unsigned address = k_major ? layout.k_major(i, p) : layout.mn_major(i, p);
            chunks.push_back(shared.at(address, 2 * chunk_elements));
            if (!chunks.back())
                fault("wgmma: the descriptor of " + std::string(operand) + " puts " + (k_major ? "row " : "k = ") +
                          std::to_string(i) + ", elements " + std::to_string(p * chunk_elements) + " to " +
                          std::to_string(p * chunk_elements + chunk_elements - 1) + " at shared address " +
                          std::to_string(address) +
                          ", which is outside the block's arrays (the first byte of the matrix is at " +
                          std::to_string(layout.start) + ")",
                      at);
        }
    return chunks;
}

std::vector<float> matrix_elements(const std::vector<const char*>& chunks, bool k_major, int rows) {
    std::vector<float> matrix(size_t(rows * wgmma_depth));
    const size_t inner = size_t(k_major ? wgmma_depth : rows) / chunk_elements;
    for (size_t at = 0; at < chunks.size(); ++at)
        for (size_t e = 0; e < chunk_elements; ++e) {
            bf16 element;
            std::memcpy(&element.bits, chunks[at] + 2 * e, 2);
            const size_t outer = at / inner, within = at % inner * chunk_elements + e;
            matrix[k_major ? outer * wgmma_depth + within : within * wgmma_depth + outer] = float(element);
        }
    return matrix;
}

}  // namespace gradus::emulator
