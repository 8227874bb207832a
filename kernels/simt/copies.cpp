#include "kernels/simt/copies.h"

#include <cstring>

#include "kernels/simt/block.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

struct AsyncState {
    struct Copy {
        void* to;
        const void* from;
        size_t bytes, read;  // the bytes after `read` are zeros
        bool moved;
        unsigned group;
        Location location;
    };
    std::vector<Copy> copies;  // cp.async
    std::vector<Copy> stores;  // bulk; moved: shared memory has been read into `read`
    std::vector<std::vector<char>> read;
    unsigned copy_groups = 0, store_groups = 0;  // committed
};

namespace {

using Copy = AsyncState::Copy;

bool early() { return simt::settings().copies == simt::Copies::early; }

AsyncState& state_of(Thread& thread) {
    if (!thread.copies) thread.copies = std::make_shared<AsyncState>();
    return *thread.copies;
}

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

// ThreadSanitizer reports this itself, with both lines.
void check_unchanged(const Thread& thread, const Copy& store) {
    if (!under_tsan() && !thread.on->shared.seen_async(store.from, store.bytes))
        fault("cp.async.bulk.global: threads wrote to the shared memory of this copy while it may still read it",
              store.location);
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

void bulk_store(void* global, const void* shared, unsigned bytes, Location at) {
    Thread& thread = self("cp.async.bulk.global", at);
    check_address("cp.async.bulk.global", "shared", shared, at);
    check_address("cp.async.bulk.global", "global", global, at);
    if (bytes % 16) fault("cp.async.bulk: " + std::to_string(bytes) + " bytes is not a multiple of 16", at);
    check_shared("cp.async.bulk.global", shared, bytes, at);
    record_read(shared, bytes);
    const TsanIgnore ignore;
    if (!under_tsan() && !thread.on->shared.seen_async(shared, bytes))
        fault(
            "cp.async.bulk.global: threads wrote to the shared memory that this copy reads without a fence_async() "
            "after "
            "the write: the copy may read the old values",
            at);
    AsyncState& state = state_of(thread);
    if (counting) count_bulk(global, bytes, true, at);
    state.stores.push_back({global, shared, bytes, bytes, false, state.store_groups, at});
    state.read.emplace_back();
}

void bulk_commit(Location at) {
    Thread& thread = self("cp.async.bulk.commit_group", at);
    {
        const TsanIgnore ignore;
        ++state_of(thread).store_groups;
    }
    if (early()) {
        AsyncState& state = *thread.copies;
        for (size_t i = 0; i < state.stores.size(); ++i) {
            Copy& store = state.stores[i];
            const TsanIgnore ignore;
            if (!store.moved) std::memcpy(store.to, store.from, store.bytes);
            store.moved = true;
        }
    }
}

void bulk_wait(unsigned groups_left, bool only_read, Location at) {
    Thread& thread = self("cp.async.bulk.wait_group", at);
    if (!thread.copies) return;
    AsyncState& state = *thread.copies;
    if (state.store_groups <= groups_left) return;
    const unsigned groups = state.store_groups - groups_left;
    size_t kept = 0;
    for (size_t i = 0; i < state.stores.size(); ++i) {
        Copy& store = state.stores[i];
        if (store.group < groups) {
            const TsanIgnore ignore;
            const auto* from = static_cast<const char*>(store.from);
            if (!store.moved) {
                check_unchanged(thread, store);
                state.read[i].assign(from, from + store.bytes);  // the store no longer reads shared memory
            }
            store.moved = true;
        }
        if (store.group < groups && !only_read) {
            record_write(store.to, store.bytes);
            const TsanIgnore ignore;
            if (!state.read[i].empty()) std::memcpy(store.to, state.read[i].data(), store.bytes);
        } else {
            const TsanIgnore ignore;
            if (kept != i) {
                state.stores[kept] = store;
                state.read[kept] = std::move(state.read[i]);
            }
            ++kept;
        }
    }
    const TsanIgnore ignore;
    state.stores.resize(kept);
    state.read.resize(kept);
}

void finish_copies(Thread& thread) {
    if (!thread.copies) return;
    complete_copies(*thread.copies, unsigned(-1));
    for (const Copy& store : thread.copies->stores)
        if (!store.moved)
            fault(
                "a thread exits while its bulk store may still read shared memory (wait for the group, or for its "
                "read)",
                store.location);
    ++thread.copies->store_groups;
    bulk_wait(0, false, {});
}

}  // namespace gradus::emulator
