// Bulk stores and additions from shared to global memory, of arrays and of boxes of a tensor map.
#include <algorithm>
#include <cstring>

#include "kernels/simt/async_state.h"
#include "kernels/simt/block.h"
#include "kernels/simt/copies.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"
#include "kernels/simt/settings.h"

namespace gradus::emulator {

namespace {

using Store = AsyncState::Store;

// ThreadSanitizer reports this itself, with both lines.
void check_unchanged(const Thread& thread, const Store& store) {
    if (!under_tsan() && !thread.on->shared.seen_async(store.transfer.shared, store.transfer.bytes))
        fault(std::string(store.op) + ": threads wrote to the shared memory of this copy while it may still read it",
              store.location);
}

void read_shared(Store& store) {
    for (const Segment& s : store.transfer.segments) store.read.insert(store.read.end(), s.shared, s.shared + s.bytes);
    store.moved = true;
}

void write_global(Store& store) {
    const char* from = store.read.data();
    for (const Segment& s : store.transfer.segments) {
        if (s.global && !store.adds) std::memcpy(s.global, from, s.bytes);
        for (size_t at = 0; s.global && store.adds && at < s.bytes; at += sizeof(float)) {
            float sum, term;
            std::memcpy(&sum, s.global + at, sizeof sum);
            std::memcpy(&term, from + at, sizeof term);
            sum += term;
            std::memcpy(s.global + at, &sum, sizeof sum);
        }
        from += s.bytes;
    }
    store.arrived = true;
}

// For the sanitizers, the thread writes the bytes now. Additions are atomic: they race with ordinary accesses alone.
void tell_sanitizers(const Store& store) {
    store.transfer.each_run([&](void* global, size_t bytes) {
        if (store.adds) record_atomics(global, bytes);
        else record_write(global, bytes);
    });
}

void issue(Store store) {
    const Location at = store.location;
    Thread& thread = self(store.op, at);
    record_read(store.transfer.shared, store.transfer.bytes);
    SharedMemory& shared = thread.on->shared;
    shared.proxy().read(shared, store.transfer.shared, store.transfer.bytes);
    const TsanIgnore ignore;
    if (!under_tsan() && !thread.on->shared.seen_async(store.transfer.shared, store.transfer.bytes))
        fault(std::string(store.op) +
                  ": threads wrote to the shared memory that this copy reads without a fence_async() after the write: "
                  "the copy may read the old values",
              at);
    if (counting)
        store.transfer.each_run([&](const void* global, size_t bytes) { count_bulk(global, bytes, true, at); });
    AsyncState& state = state_of(thread);
    store.group = state.store_groups;
    state.stores.push_back(std::move(store));
}

Store plain_store(const char* op, void* global, const void* shared, unsigned bytes, bool adds, Location at) {
    for (const void* address : {static_cast<const void*>(global), shared})
        if (reinterpret_cast<uintptr_t>(address) % 16)
            fault(std::string(op) + ": the " + (address == shared ? "shared" : "global") +
                      " address is not a multiple of 16",
                  at);
    if (bytes % 16) fault(std::string(op) + ": " + std::to_string(bytes) + " bytes is not a multiple of 16", at);
    check_shared(op, shared, bytes, at);
    const TsanIgnore ignore;
    return {op, plain_transfer(const_cast<void*>(shared), global, bytes), adds, 0, at};
}

}  // namespace

void bulk_store(void* global, const void* shared, unsigned bytes, Location at) {
    issue(plain_store("cp.async.bulk.global", global, shared, bytes, false, at));
}

void bulk_add(float* global, const float* shared, unsigned bytes, Location at) {
    issue(plain_store("cp.reduce.async.bulk", global, shared, bytes, true, at));
}

void tensor_store(const TensorMap& map, const int* at, int rank, const void* shared, bool adds, Location location) {
    const char* const op = adds ? "cp.reduce.async.bulk.tensor" : "cp.async.bulk.tensor.global";
    if (adds && !map.is_float) fault(std::string(op) + ": only f32 tensors are added to", location);
    Transfer transfer;
    {
        const TsanIgnore ignore;
        transfer = box_transfer(op, map, at, rank, const_cast<void*>(shared), location);
    }
    issue({op, std::move(transfer), adds, 0, location});
}

void bulk_commit(Location at) {
    Thread& thread = self("cp.async.bulk.commit_group", at);
    const TsanIgnore ignore;
    AsyncState& state = state_of(thread);
    ++state.store_groups;
    if (simt::settings().copies != simt::Copies::early) return;
    for (Store& store : state.stores) {
        if (!store.moved) read_shared(store);
        if (!store.arrived) write_global(store);
    }
}

void bulk_wait(unsigned groups_left, bool only_read, Location at) {
    Thread& thread = self("cp.async.bulk.wait_group", at);
    if (!thread.copies) return;
    AsyncState& state = *thread.copies;
    if (state.store_groups <= groups_left) return;
    thread.on->shared.proxy().read_is_over();
    const unsigned groups = state.store_groups - groups_left;
    for (Store& store : state.stores) {
        if (store.group >= groups) continue;
        if (!only_read) tell_sanitizers(store);
        const TsanIgnore ignore;
        if (!store.moved) {
            check_unchanged(thread, store);
            read_shared(store);
        }
        if (!only_read && !store.arrived) write_global(store);
    }
    const TsanIgnore ignore;
    if (!only_read) std::erase_if(state.stores, [&](const Store& store) { return store.group < groups; });
}

void finish_stores(Thread& thread) {
    for (const Store& store : thread.copies->stores)
        if (!store.moved)
            fault(
                "a thread exits while its bulk store may still read shared memory (wait for the group, or for its "
                "read)",
                store.location);
    ++thread.copies->store_groups;
    bulk_wait(0, false, {});
}

}  // namespace gradus::emulator
