#include "kernels/simt/atomics.h"

#include <algorithm>
#include <map>

#include "kernels/simt/block.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr size_t max_observed = 8;  // latest atomics of a thread that its next fence acquires

}  // namespace

void before_atomic(void* address) {
    Thread& thread = self("an atomic", {});
    if (counting) add_count(Counted::atomic, 1.0 / warp_size);
    if (!under_tsan() || thread.fence == Thread::Fence::none) return;
    release_at(address, thread.fence == Thread::Fence::device ? Scope::device : Scope::block);
}

void observe(void* address) {
    if (!under_tsan()) return;
    const TsanIgnore ignore;
    auto& observed = self("an atomic", {}).observed;
    if (std::find(observed.begin(), observed.end(), address) != observed.end()) return;
    if (observed.size() == max_observed) observed.erase(observed.begin());
    observed.push_back(address);
}

void release_at(void* address, Scope scope) {
    if (!under_tsan()) return;
    const TsanIgnore ignore;
    Block& block = *self("a release", {}).on;
    // Device scope uses the address itself as the token; block scope a token of that address in the block. A release at device
    // scope includes one at block scope.
    if (scope == Scope::device) release(address);
    release(&block.tokens[address]);
}

void acquire_at(void* address, Scope scope) {
    if (!under_tsan()) return;
    const TsanIgnore ignore;
    Block& block = *self("an acquire", {}).on;
    if (scope == Scope::device) acquire(address);
    acquire(&block.tokens[address]);
}

void fence(Scope scope) {
    Thread& thread = self("__threadfence", {});
    if (!under_tsan()) return;
    for (void* address : thread.observed) acquire_at(address, scope);
    const TsanIgnore ignore;
    // A block-wide fence does not weaken an earlier device-wide one.
    if (scope == Scope::device) thread.fence = Thread::Fence::device;
    else if (thread.fence == Thread::Fence::none) thread.fence = Thread::Fence::block;
}

void spin(const char* op, Location at) {
    self(op, at);
    const TsanIgnore ignore;
    yield(op, at);
}

}  // namespace gradus::emulator
