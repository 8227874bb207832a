#include "tests/parallel/threads/guarded_ops.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace gradus::test {

namespace {

constexpr size_t margin = 4096;
constexpr char untouched = 0x5c;
std::atomic<int> overrun = 0;

void* allocate(size_t bytes) {
    char* block = static_cast<char*>(reference_ops().allocate(bytes + 2 * margin));
    std::memset(block, untouched, margin);
    std::memset(block + margin + bytes, untouched, margin);
    return block + margin;
}

void release(void* memory, size_t bytes) {
    char* block = static_cast<char*>(memory) - margin;
    for (const char* side : {block, block + margin + bytes})
        if (!std::all_of(side, side + margin, [](char c) { return c == untouched; })) ++overrun;
    reference_ops().release(block, bytes + 2 * margin);
}

}  // namespace

const Ops& guarded_ops() {
    static const Ops table = [] {
        Ops ops = reference_ops();
        ops.allocate = allocate;
        ops.release = release;
        return ops;
    }();
    return table;
}

int blocks_overrun() { return overrun; }

}  // namespace gradus::test
