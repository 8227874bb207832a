#include "kernels/simt/copies.h"

#include <cstring>

#include "kernels/simt/async_state.h"
#include "kernels/simt/block.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

namespace {

using Copy = AsyncState::Copy;

bool early() { return simt::settings().copies == simt::Copies::early; }

void check_address(const char* op, const char* which, const void* address, Location at, size_t alignment = 16) {
    if (reinterpret_cast<uintptr_t>(address) % alignment)
        fault(std::string(op) + ": the " + which + " address is not a multiple of " + std::to_string(alignment), at);
}

void move(const Copy& copy) {
    const TsanIgnore ignore;
    asan_unpoison(copy.to, copy.bytes);
    if (copy.read) std::memcpy(copy.to, copy.from, copy.read);
    std::memset(static_cast<char*>(copy.to) + copy.read, 0, copy.bytes - copy.read);
}

// Completes the copy. For the sanitizers, the thread writes its bytes now.
void complete(const Copy& copy) {
    if (!copy.moved) move(copy);
    asan_unpoison(copy.to, copy.bytes);
    if (copy.read) record_read(copy.from, copy.read);
    record_write(copy.to, copy.bytes);
}

void complete_copies(AsyncState& state, unsigned groups) {
    size_t kept = 0;
    for (size_t i = 0; i < state.copies.size(); ++i) {
        const Copy& copy = state.copies[i];
        if (copy.group >= groups) {
            state.copies[kept++] = copy;
            continue;
        }
        complete(copy);
    }
    state.copies.resize(kept);
}

}  // namespace

AsyncState& state_of(Thread& thread) {
    if (!thread.copies) thread.copies = std::make_shared<AsyncState>();
    return *thread.copies;
}

void check_shared(const char* op, const void* address, size_t bytes, Location at) {
    if (!self(op, at).on->shared.contains(address, bytes))
        fault(std::string(op) + ": " + std::to_string(bytes) +
                  " bytes at this address are not shared memory of the block",
              at);
}

void copy_async(void* shared, const void* global, unsigned bytes, unsigned read, Location at) {
    Thread& thread = self("cp.async", at);
    if (read > bytes)
        fault("cp.async: " + std::to_string(read) + " of " + std::to_string(bytes) + " bytes are to be copied", at);
    check_address("cp.async", "shared", shared, at, bytes);
    check_address("cp.async", "global", global, at, bytes);
    check_shared("cp.async", shared, bytes, at);
    if (under_tsan()) {  // it may read and write from now on until the wait
        if (read) record_read(global, read);
        record_write(shared, bytes);
    }
    const TsanIgnore ignore;
    AsyncState& state = state_of(thread);
    Copy copy{shared, global, bytes, read, early(), state.copy_groups, at};
    if (copy.moved) move(copy);
    asan_poison(shared, bytes);
    state.copies.push_back(copy);
    if (!counting) return;
    count_copy(shared, read ? global : nullptr, int(bytes), at);
    size_t in_flight = 0;
    for (const Copy& each : state.copies) in_flight += each.bytes;
    count_copies_in_flight(thread, in_flight);
}

void copy_async_commit(Location at) {
    Thread& thread = self("cp.async.commit_group", at);
    const TsanIgnore ignore;
    ++state_of(thread).copy_groups;
}

void copy_async_wait(unsigned groups_left, Location at) {
    Thread& thread = self("cp.async.wait_group", at);
    if (!thread.copies) return;
    AsyncState& state = *thread.copies;
    if (state.copy_groups > groups_left) complete_copies(state, state.copy_groups - groups_left);
}

void finish_copies(Thread& thread) {
    if (!thread.copies) return;
    complete_copies(*thread.copies, unsigned(-1));
    finish_stores(thread);
}

}  // namespace gradus::emulator
