#include <algorithm>
#include <cstring>

#include "tests/comm_nccl/fake/communicator.h"

using namespace gradus::fake;

namespace {

int communicators = 0;  // made by this rank; the order is the same on all ranks

// The groups of a split are computed from the colors and keys that the ranks sent.
void finish_split(ncclComm* c) {
    struct Member {
        int color, key, rank;
    };
    std::vector<Member> members = {{c->color, c->key, c->ranks[size_t(c->mine)]}};
    for (size_t i = 0; i < c->splitting->others().size(); ++i) {
        int theirs[2];
        std::memcpy(theirs, c->splitting->data(i), sizeof theirs);
        members.push_back({theirs[0], theirs[1], c->splitting->others()[i]});
    }
    auto* child = new ncclComm;
    child->id = ++communicators;
    child->state = ncclSuccess;
    std::vector<std::pair<int, int>> order;
    for (const Member& m : members)
        if (m.color == c->color) order.push_back({m.key, m.rank});
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size(); ++i) {
        child->ranks.push_back(order[i].second);
        if (order[i].second == c->ranks[size_t(c->mine)]) child->mine = int(i);
    }
    *c->made = child;
    c->splitting.reset();
}

}  // namespace

ncclResult_t ncclGetVersion(int* version) {
    *version = trouble("version") ? int(trouble("version")) : NCCL_VERSION_CODE;
    return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    for (char& c : id->internal) c = 'u';
    return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t* config) {
    if (id.internal[0] != 'u' || id.internal[127] != 'u' || config->blocking != 0 || rank < 0 || rank >= ranks)
        return ncclInvalidArgument;
    Lock lock(gradus::mpi::mpi_mutex());
    auto* c = new ncclComm;
    c->id = ++communicators;
    c->mine = rank;
    for (int r = 0; r < ranks; ++r) c->ranks.push_back(r);
    c->making = std::make_unique<Exchange>(first_tag + c->id, Head{connect, 0, ranks, -1, 0}, c->others());
    *comm = c;
    return ncclInProgress;
}

ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* made, ncclConfig_t* config) {
    if (color < 0 || config->blocking != 0) return ncclInvalidArgument;
    Lock lock(gradus::mpi::mpi_mutex());
    if (comm->state != ncclSuccess || comm->making || comm->splitting) return ncclInvalidUsage;
    comm->color = color;
    comm->key = key;
    comm->made = made;
    comm->splitting =
        std::make_unique<Exchange>(first_tag + comm->id, Head{split, 0, 0, -1, ++comm->calls}, comm->others());
    comm->splitting->message = [color, key](size_t) {
        const int mine[2] = {color, key};
        return bytes_of(mine, sizeof mine);
    };
    comm->state = ncclInProgress;
    return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
    Lock lock(gradus::mpi::mpi_mutex());
    if (!comm) return ncclInvalidArgument;
    if (comm->making && !trouble("deaf") && comm->making->progress() == Exchange::State::done) {
        comm->making.reset();
        comm->state = ncclSuccess;
    }
    if (comm->splitting && comm->splitting->progress() == Exchange::State::done) {
        finish_split(comm);
        comm->state = ncclSuccess;
    }
    *state = comm->state;
    if (comm->answers_late > 0 && comm->state == ncclSuccess) {
        --comm->answers_late;
        *state = ncclInProgress;
    }
    return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
    Lock lock(gradus::mpi::mpi_mutex());
    if (!comm->in_order.empty()) return ncclInvalidUsage;
    comm->finalizing = true;
    comm->answers_late = 2;
    return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    if (!comm->finalizing) return ncclInvalidUsage;
    delete comm;
    return ncclSuccess;
}

// Not freed, since queued work may still use it.
ncclResult_t ncclCommAbort(ncclComm_t comm) {
    Lock lock(gradus::mpi::mpi_mutex());
    comm->aborted = true;
    return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
    switch (result) {
        case ncclSuccess: return "no error";
        case ncclSystemError: return "unhandled system error";
        case ncclInvalidArgument: return "invalid argument";
        case ncclInvalidUsage: return "invalid usage";
        case ncclRemoteError: return "remote process exited or there was a network error";
        default: return "another error";
    }
}

const char* ncclGetLastError(ncclComm_t comm) { return comm ? comm->words.c_str() : ""; }
