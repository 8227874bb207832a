#include "kernels/simt/atomics.h"

#include <algorithm>
#include <map>

#include "kernels/simt/block.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

// Under which name threads of this reach tell each other something about an address. For the whole device it is the address;
// for one block a name that only its threads use.
void* token_of(void* address, Reach reach, Block& block) {
    if (reach == Reach::device) return address;
    return &block.tokens[address];
}

constexpr size_t remembered = 8;  // atomics that a later fence learns from

}  // namespace

void before_atomic(void* address) {
    Thread& thread = self("an atomic", {});
    if (!under_tsan() || thread.fence == Thread::Fence::none) return;
    released(address, thread.fence == Thread::Fence::device ? Reach::device : Reach::block);
}

void after_atomic(void* address) {
    progress();
    if (!under_tsan()) return;
    const Hidden hidden;
    auto& observed = self("an atomic", {}).observed;
    if (std::find(observed.begin(), observed.end(), address) != observed.end()) return;
    if (observed.size() == remembered) observed.erase(observed.begin());
    observed.push_back(address);
}

void released(void* address, Reach reach) {
    progress();
    if (!under_tsan()) return;
    const Hidden hidden;
    Block& block = *self("a release", {}).on;
    // What the whole device may know, the block may.
    if (reach == Reach::device) release(address);
    release(token_of(address, Reach::block, block));
}

void acquired(void* address, Reach reach) {
    if (!under_tsan()) return;
    const Hidden hidden;
    Block& block = *self("an acquire", {}).on;
    if (reach == Reach::device) acquire(address);
    acquire(token_of(address, Reach::block, block));
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
