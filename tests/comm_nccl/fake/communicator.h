#pragma once
// The communicators of the fake, and how a call is queued on one.
#include <mpi.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/comm_mpi/mpi_mutex.h"
#include "tests/comm_nccl/fake/exchange.h"
#include "tests/comm_nccl/fake/nccl.h"

// Everything here is guarded by mpi_mutex(). No function of the emulator is called under it, because the emulator calls
// us under its own mutex.
struct ncclComm {
    int id = 0;
    std::vector<int> ranks;  // of MPI_COMM_WORLD
    int mine = 0;
    ncclResult_t state = ncclInProgress;
    std::string words;                                             // ncclGetLastError
    std::unique_ptr<gradus::fake::Exchange> making, splitting;     // in the background
    int color = 0, key = 0;                                        // of the split
    ncclComm_t* made = nullptr;                                    // where its result goes
    std::deque<std::shared_ptr<gradus::fake::Exchange>> in_order;  // unfinished calls
    int64_t calls = 0;
    bool aborted = false, finalizing = false;
    int answers_late = 0;  // how many times ncclInProgress is still returned

    std::vector<int> others() const {
        std::vector<int> all = ranks;
        all.erase(all.begin() + mine);
        return all;
    }
    size_t place_of(size_t other) const { return other < size_t(mine) ? other : other + 1; }
};

namespace gradus::fake {

using Lock = std::lock_guard<std::mutex>;

enum Calls : int64_t { connect, split, all_reduce, reduce_scatter, all_gather, broadcast, point };

constexpr int first_tag = 1000;

// The value of a key of GRADUS_FAKE_NCCL in the environment, as in "stall=7 misfit=1"; 0 by default.
long trouble(const char* word);

size_t size_of(ncclDataType_t);
std::vector<char> bytes_of(const void* data, size_t bytes);

// Of this rank, in all communicators.
int64_t next_call();

// Queues a call. finish() computes the result when all messages have arrived.
ncclResult_t queue(ncclComm*, cudaStream_t, const std::shared_ptr<Exchange>&, std::function<void()> finish);
std::shared_ptr<Exchange> exchange_of(ncclComm*, Calls, ncclDataType_t, size_t count, int root = -1);

}  // namespace gradus::fake
