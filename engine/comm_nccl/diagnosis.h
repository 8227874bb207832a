#pragma once
// Finds why a device call does not finish and which rank is the cause, from the ranks' last reports. A pure function.
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/comm_mpi/messages.h"

namespace gradus::nccl {

// The call that this rank's device waits in. A send or a receive waits for only one rank: Header::root, an index in the
// group.
struct Waiting {
    int rank = 0, place = 0;  // world rank; index in the group
    mpi::Header call;
    std::string group;
    double for_seconds = 0;       // since the device reached it; connect: since the host began it
    double together_seconds = 0;  // since every rank is known to have reached it
};

// The last known state of another rank of the group.
struct Other {
    int rank = 0, place = 0;
    std::string name, host;  // "rank 1 on 'host'", "host"
    std::string host_call = {},
                device_call = {};  // "after gather #7 of all, …"; "in reduce-scatter #3 of tp, …" or nothing
    double silence = 0;
    bool has_ended = false;             // it waits at the end of the program
    mpi::DeviceProgress progress = {};  // in this group
};

struct Timeouts {  // seconds
    double silence, patience, stall;
};

struct Diagnosis {
    Error error;
    int status;  // exit status
};

bool is_between_two(const mpi::Header&);         // a send or a receive
bool concerns(const Waiting&, const Other&);     // whether the call waits for this rank
bool has_arrived(const Waiting&, const Other&);  // whether its device has reached the call

// Empty: the call may still finish.
std::optional<Diagnosis> diagnose(const Waiting&, const std::vector<Other>& others, const Timeouts&);

}  // namespace gradus::nccl
