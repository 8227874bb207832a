#pragma once
// A thread's asynchronous copies in flight: cp.async (copies.cpp) and bulk stores (bulk_stores.cpp).
#include <vector>

#include "kernels/simt/location.h"
#include "kernels/simt/tensor_map.h"

namespace gradus::emulator {

struct Thread;

struct AsyncState {
    struct Copy {  // cp.async
        void* to;
        const void* from;
        size_t bytes, read;  // the bytes after `read` are zeros
        bool moved;
        unsigned group;
        Location location;
    };
    struct Store {  // from shared to global memory
        const char* op;
        Transfer transfer;
        bool adds;
        unsigned group;
        Location location;
        bool moved = false;      // it no longer reads shared memory: its bytes are in `read`, or have arrived
        bool arrived = false;    // in global memory
        std::vector<char> read;  // the bytes of the segments, one after the other
    };
    std::vector<Copy> copies;
    std::vector<Store> stores;
    unsigned copy_groups = 0, store_groups = 0;  // committed
};

AsyncState& state_of(Thread& thread);
void finish_stores(Thread& thread);  // at its exit

}  // namespace gradus::emulator
