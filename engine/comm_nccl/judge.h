#pragma once
// Who is at fault when a call of the devices does not end: a function of what the ranks last said of themselves.
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/comm_mpi/wire.h"

namespace gradus::nccl {

// The call that a rank's device waits in. A send or a receive waits for one rank alone: Header::root, a place in the group.
struct Waiting {
    int rank = 0, place = 0;  // of the world; in the group
    mpi::Header call;
    std::string group;
    double for_seconds = 0;       // since the device came to it; connect: since the host began it
    double together_seconds = 0;  // since every rank is known to have come to it
};

// Another rank of the group, as far as it is known.
struct Other {
    int rank = 0, place = 0;
    std::string name, host;  // "rank 1 on 'host'", "host"
    std::string host_is = {},
                device_is = {};  // "after gather #7 of all, …"; "in reduce-scatter #3 of tp, …" or nothing
    double silence = 0;
    bool has_ended = false;             // it waits for the end of the program
    mpi::DeviceProgress progress = {};  // of this group
};

struct Patience {  // seconds
    double silence, patience, stall;
};

struct Finding {
    Error error;
    int status;  // to end with
};

bool is_between_two(const mpi::Header&);      // a send or a receive
bool concerns(const Waiting&, const Other&);  // the call waits for this rank
bool has_come(const Waiting&, const Other&);  // its device, to the call

// Nothing: there is reason to wait on.
std::optional<Finding> judge(const Waiting&, const std::vector<Other>& others, const Patience&);

}  // namespace gradus::nccl
