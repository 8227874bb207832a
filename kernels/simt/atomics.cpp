#include "kernels/simt/atomics.h"

#include <algorithm>
#include <map>

#include "kernels/simt/block.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr size_t remembered = 8;  // atomics that a later fence learns from

}  // namespace

void before_atomic(void* address) {
    Thread& thread = self("an atomic", {});
    if (!under_tsan() || thread.fence == Thread::Fence::none) return;
    released(address, thread.fence == Thread::Fence::device ? Reach::device : Reach::block);
}

void progressed() { progress(); }

void learnt(void* address) {
    if (!under_tsan()) return;
    const Hidden hidden;
    auto& observed = self("an atomic", {}).observed;
    if (std::find(observed.begin(), observed.end(), address) != observed.end()) return;
    if (observed.size() == remembered) observed.erase(observed.begin());
    observed.push_back(address);
}

void released(void* address, Reach reach) {
    if (!under_tsan()) return;
    const Hidden hidden;
    Block& block = *self("a release", {}).on;
    // Threads of the device tell each other under the address; those of one block under a name that only they use. What the
    // whole device may know, the block may.
    if (reach == Reach::device) release(address);
    release(&block.tokens[address]);
}

void acquired(void* address, Reach reach) {
    if (!under_tsan()) return;
    const Hidden hidden;
    Block& block = *self("an acquire", {}).on;
    if (reach == Reach::device) acquire(address);
    acquire(&block.tokens[address]);
}

void fence(Reach reach) {
    Thread& thread = self("__threadfence", {});
    if (!under_tsan()) return;
    for (void* address : thread.observed) acquired(address, reach);
    const Hidden hidden;
    // A wide fence stays in force; a narrow one after it takes nothing back.
    if (reach == Reach::device) thread.fence = Thread::Fence::device;
    else if (thread.fence == Thread::Fence::none) thread.fence = Thread::Fence::block;
}

void spin(const char* word, Place at) {
    self(word, at);
    const Hidden hidden;
    yield_in(word, at);
}

}  // namespace gradus::emulator
