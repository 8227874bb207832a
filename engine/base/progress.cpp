#include "engine/base/progress.h"

#include <atomic>

namespace gradus {

namespace {

std::atomic<uint64_t> bytes_so_far = 0;

}  // namespace

void add_progress(uint64_t bytes) { bytes_so_far.fetch_add(bytes, std::memory_order_relaxed); }
uint64_t progress_so_far() { return bytes_so_far.load(std::memory_order_relaxed); }

}  // namespace gradus
