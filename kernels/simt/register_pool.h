#pragma once
// The registers of a block's warpgroups (setmaxnreg). A block enters with as many for each thread as ptxas found: where its
// kernel uses setmaxnreg, what an SM has for each of the threads that __launch_bounds__ names, in eights, and no more than the
// largest number that is asked for. That is all there is: one warpgroup's raise waits until others have lowered theirs.
//
// Fault: a number that there is not; fewer in a raise, or more in a lower, than the block enters with; numbers of all warpgroups
// that are together more than it enters with, as the raise would wait forever. One that has not asked keeps what it has.
#include <vector>

#include "kernels/simt/place.h"

namespace gradus::emulator {

struct Thread;

enum class Ask { lower, raise };

class RegisterPool {
public:
    explicit RegisterPool(int threads_of_block);
    void ask(int warpgroup, Ask kind, unsigned count, Place at);
    void leave(int warpgroup);  // one of its threads exits

private:
    struct Group {
        unsigned count = 0;  // of a thread; 0: it has not asked
        Ask kind = Ask::lower;
        bool left = false;
        Place place;
    };
    unsigned at_entry() const;
    void check() const;

    std::vector<Group> groups_;
    unsigned most_;  // a thread's at entry
};

// One thread's part in the ask of its warpgroup.
void warpgroup_registers(Ask kind, unsigned count, Place at);
void leave_registers(Thread& thread);

}  // namespace gradus::emulator
