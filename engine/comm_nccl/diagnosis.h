#pragma once
// Why a call of the devices does not end, and which rank is at fault: a function of what the ranks last reported.
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/comm_mpi/messages.h"

namespace gradus::nccl {

// The call that a rank's device waits in. A send or a receive waits for one rank alone: Header::root, a place in the group.
struct Waiting {
    int rank = 0, place = 0;  // of the world; in the group
    mpi::Header call;
    std::string group;
    double for_seconds = 0;       // since the device came to it; connect: since the host began it
    double together_seconds = 0;  // since every rank is known to have come to it
};

// What is known of another rank of the group.
struct Other {
    int rank = 0, place = 0;
    std::string name, host;  // "rank 1 on 'host'", "host"
    std::string host_is = {},
                device_is = {};  // "after gather #7 of all, …"; "in reduce-scatter #3 of tp, …" or nothing
    double silence = 0;
    bool has_ended = false;             // it waits for the end of the program
    mpi::DeviceProgress progress = {};  // of this group
};

struct Timeouts {  // seconds
    double silence, patience, stall;
};

struct Diagnosis {
    Error error;
    int status;  // to end with
};

bool is_between_two(const mpi::Header&);         // a send or a receive
bool concerns(const Waiting&, const Other&);     // the call waits for this rank
bool has_arrived(const Waiting&, const Other&);  // its device, to the call

// Nothing: the call may still end by itself.
std::optional<Diagnosis> diagnose(const Waiting&, const std::vector<Other>& others, const Timeouts&);

}  // namespace gradus::nccl
