#pragma once
// The registers of a block's warpgroups (setmaxnreg). A block starts with the register count that ptxas chose for each thread: if
// its kernel uses setmaxnreg, the SM's registers divided by the threads of __launch_bounds__, rounded down to a multiple of 8,
// and at most the largest count requested. The block's total is fixed: an increase waits until other warpgroups have decreased.
//
// Fault: an invalid count; an increase to fewer, or a decrease to more, registers than at the start; a total of all warpgroups
// above the start's, because the increase would wait forever. A warpgroup without a request keeps its count.
#include <vector>

#include "kernels/simt/location.h"

namespace gradus::emulator {

struct Thread;

enum class RegisterRequest { lower, raise };

class RegisterPool {
public:
    explicit RegisterPool(int threads_of_block);
    void request(int warpgroup, RegisterRequest kind, unsigned count, Location at);
    void leave(int warpgroup);  // a thread of it exits

private:
    struct Group {
        unsigned count = 0;  // per thread; 0: no request yet
        RegisterRequest kind = RegisterRequest::lower;
        bool left = false;
        Location location;
    };
    unsigned at_start() const;
    void check() const;

    std::vector<Group> groups_;
    unsigned max_at_start_;  // per thread at the start
};

// The request of a warpgroup, called by each of its threads.
void warpgroup_registers(RegisterRequest kind, unsigned count, Location at);
void leave_registers(Thread& thread);

}  // namespace gradus::emulator
