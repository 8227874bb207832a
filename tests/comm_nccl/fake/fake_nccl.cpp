#include <mpi.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/comm_mpi/combine.h"
#include "engine/comm_mpi/library.h"
#include "kernels/simt/stream.h"
#include "tests/comm_nccl/fake/exchange.h"
#include "tests/comm_nccl/fake/nccl.h"

using gradus::fake::Exchange;
using gradus::fake::Head;

// Guarded by the lock of MPI, as everything here is. No function of the emulator is called under it: the emulator calls us
// under its own.
struct ncclComm {
    int id = 0;
    std::vector<int> ranks;  // of MPI_COMM_WORLD
    int mine = 0;
    ncclResult_t state = ncclInProgress;
    std::string words;                               // ncclGetLastError
    std::unique_ptr<Exchange> making, splitting;     // in the background
    int color = 0, key = 0;                          // of the split
    ncclComm_t* made = nullptr;                      // where its result goes
    std::deque<std::shared_ptr<Exchange>> in_order;  // the calls that are not done
    int64_t calls = 0;
    bool aborted = false, finalizing = false;
    int answers_late = 0;  // how often ncclInProgress is said yet

    std::vector<int> others() const {
        std::vector<int> all = ranks;
        all.erase(all.begin() + mine);
        return all;
    }
    size_t place_of(size_t other) const { return other < size_t(mine) ? other : other + 1; }
};

namespace {

using gradus::DType;
using Lock = std::lock_guard<std::mutex>;

enum Calls : int64_t { connect, split, all_reduce, reduce_scatter, all_gather, broadcast, point };
enum Misfit { hang = 0, report = 1, nonsense = 2 };

constexpr int first_tag = 1000;
int communicators = 0;  // made by this rank: all ranks make them in one order
int64_t calls_of_rank = 0;

long trouble(const char* word) {
    const char* text = std::getenv("GRADUS_FAKE_NCCL");
    const std::string all = text ? std::string(" ") + text : "", wanted = std::string(" ") + word + "=";
    const size_t at = all.find(wanted);
    return at == std::string::npos ? 0 : std::strtol(all.c_str() + at + wanted.size(), nullptr, 10);
}

size_t size_of(ncclDataType_t t) { return t == ncclBfloat16 ? 2 : t == ncclFloat64 ? 8 : 4; }
DType dtype_of(ncclDataType_t t) {
    return t == ncclBfloat16 ? DType::bf16 : t == ncclFloat64 ? DType::f64 : t == ncclInt32 ? DType::i32 : DType::f32;
}

std::vector<char> bytes_of(const void* data, size_t bytes) {
    const char* first = static_cast<const char*>(data);
    return {first, first + bytes};
}

// From the last rank to the first.
void sum(const ncclComm& c, const Exchange& e, const char* mine, void* out, ncclDataType_t type, size_t count) {
    std::vector<const void*> sources;
    for (size_t i = 0; i < e.others().size(); ++i) sources.push_back(e.data(i));
    sources.insert(sources.begin() + c.mine, mine);
    const std::vector<const void*> backwards(sources.rbegin(), sources.rend());
    gradus::mpi::sum_in_order(dtype_of(type), out, backwards.data(), int(backwards.size()), int64_t(count));
}

// Queues a call. finish() makes the result of what has come.
ncclResult_t queue(ncclComm* c, cudaStream_t stream, const std::shared_ptr<Exchange>& exchange,
                   std::function<void()> finish) {
    int64_t number;
    {
        Lock hold(gradus::mpi::mpi_library());
        if (c->aborted || c->finalizing || c->making || c->splitting || c->state != ncclSuccess)
            return ncclInvalidUsage;
        number = ++calls_of_rank;
        if (number == trouble("refuse")) {
            c->words = "the fake refuses this call";
            return ncclSystemError;
        }
        c->in_order.push_back(exchange);
        c->answers_late = number % 3 == 0 ? 2 : 0;
    }
    const bool stalls = number == trouble("stall"), breaks = number == trouble("break");
    gradus::simt::enqueue({stream}, [=] {
        Lock hold(gradus::mpi::mpi_library());
        if (c->aborted) return true;
        if (breaks) {
            c->state = ncclRemoteError;
            c->words = "the fake has lost a peer";
        }
        if (stalls || breaks || c->in_order.front() != exchange) return false;
        switch (exchange->progress()) {
            case Exchange::State::under_way: return false;
            case Exchange::State::misfit:
                if (trouble("misfit") == hang) return false;
                if (trouble("misfit") == report) {
                    c->state = ncclInvalidArgument;
                    c->words = "the calls of the ranks do not fit";
                    return false;
                }
                break;
            case Exchange::State::done: finish();
        }
        c->in_order.pop_front();
        return true;
    });
    return number % 3 == 0 ? ncclInProgress : ncclSuccess;
}

std::shared_ptr<Exchange> exchange_of(ncclComm* c, Calls call, ncclDataType_t type, size_t count, int root = -1) {
    const Head head = {call, type, int64_t(count), root, ++c->calls};
    return std::make_shared<Exchange>(first_tag + c->id, head, c->others());
}

// What the halves of a split have in common is made of what they sent: their colors and keys.
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

// Sends and receives between ncclGroupStart and ncclGroupEnd.
struct Message {
    const char* sent;
    char* received;
    size_t count;
    ncclDataType_t type;
    int peer;
};
std::vector<Message> grouped;
ncclComm* grouped_comm = nullptr;
cudaStream_t grouped_stream = nullptr;
int depth = 0;

// Every message is an exchange with one rank that sends or answers; all of a group are one piece of work.
ncclResult_t queue_messages() {
    ncclComm* c = grouped_comm;
    struct Leg {
        Message message;
        std::shared_ptr<Exchange> exchange;
        bool done = false;
    };
    auto legs = std::make_shared<std::vector<Leg>>();
    for (const Message& m : grouped) {
        const Head head = {point, m.type, int64_t(m.count), -1, 0};
        auto e = std::make_shared<Exchange>(first_tag + 500 + c->id, head, std::vector<int>{c->ranks[size_t(m.peer)]});
        if (m.sent) {
            e->message = [m](size_t) { return bytes_of(m.sent, m.count * size_of(m.type)); };
            e->answers = [](size_t) { return false; };
        } else {
            e->sends = [](size_t) { return false; };
        }
        legs->push_back({m, e});
    }
    grouped.clear();
    grouped_comm = nullptr;
    int64_t number;
    auto place = std::make_shared<Exchange>(0, Head{}, std::vector<int>{});  // in the order of the communicator
    {
        Lock hold(gradus::mpi::mpi_library());
        number = ++calls_of_rank;
        c->in_order.push_back(place);
    }
    const bool stalls = number == trouble("stall");
    gradus::simt::enqueue({grouped_stream}, [=] {
        Lock hold(gradus::mpi::mpi_library());
        if (c->aborted) return true;
        if (stalls || c->in_order.front() != place) return false;
        bool all = true;
        for (Leg& leg : *legs) {
            if (leg.done) continue;
            leg.done = leg.exchange->progress() == Exchange::State::done;
            all = all && leg.done;
            if (leg.done && leg.message.received)
                std::memcpy(leg.message.received, leg.exchange->data(0), leg.exchange->bytes(0));
        }
        if (all) c->in_order.pop_front();
        return all;
    });
    return ncclSuccess;
}

ncclResult_t add_message(const Message& m, ncclComm* c, cudaStream_t stream) {
    if (m.peer < 0 || m.peer >= int(c->ranks.size()) || m.peer == c->mine) return ncclInvalidArgument;
    grouped.push_back(m);
    grouped_comm = c;
    grouped_stream = stream;
    return depth > 0 ? ncclSuccess : queue_messages();
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
    Lock hold(gradus::mpi::mpi_library());
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
    Lock hold(gradus::mpi::mpi_library());
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
    Lock hold(gradus::mpi::mpi_library());
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
    Lock hold(gradus::mpi::mpi_library());
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

// What is queued may still look at it, so it stays.
ncclResult_t ncclCommAbort(ncclComm_t comm) {
    Lock hold(gradus::mpi::mpi_library());
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

ncclResult_t ncclAllReduce(const void* sent, void* received, size_t count, ncclDataType_t type, ncclRedOp_t,
                           ncclComm_t c, cudaStream_t stream) {
    const auto e = exchange_of(c, all_reduce, type, count);
    e->message = [=](size_t) { return bytes_of(sent, count * size_of(type)); };
    return queue(c, stream, e, [=] { sum(*c, *e, static_cast<const char*>(sent), received, type, count); });
}

ncclResult_t ncclReduceScatter(const void* sent, void* received, size_t count, ncclDataType_t type, ncclRedOp_t,
                               ncclComm_t c, cudaStream_t stream) {
    const auto e = exchange_of(c, reduce_scatter, type, count);
    const size_t bytes = count * size_of(type);
    const char* whole = static_cast<const char*>(sent);
    e->message = [=](size_t i) { return bytes_of(whole + c->place_of(i) * bytes, bytes); };
    return queue(c, stream, e, [=] { sum(*c, *e, whole + size_t(c->mine) * bytes, received, type, count); });
}

ncclResult_t ncclAllGather(const void* sent, void* received, size_t count, ncclDataType_t type, ncclComm_t c,
                           cudaStream_t stream) {
    const auto e = exchange_of(c, all_gather, type, count);
    const size_t bytes = count * size_of(type);
    char* whole = static_cast<char*>(received);
    e->message = [=](size_t) { return bytes_of(sent, bytes); };
    return queue(c, stream, e, [=] {
        std::memmove(whole + size_t(c->mine) * bytes, sent, bytes);
        for (size_t i = 0; i < e->others().size(); ++i) std::memcpy(whole + c->place_of(i) * bytes, e->data(i), bytes);
    });
}

ncclResult_t ncclBroadcast(const void* sent, void* received, size_t count, ncclDataType_t type, int root, ncclComm_t c,
                           cudaStream_t stream) {
    const auto e = exchange_of(c, broadcast, type, count, root);
    const size_t bytes = count * size_of(type);
    e->message = [=](size_t) { return c->mine == root ? bytes_of(sent, bytes) : std::vector<char>(); };
    return queue(c, stream, e, [=] {
        if (c->mine == root) return std::memmove(received, sent, bytes), void();
        const size_t other = size_t(root < c->mine ? root : root - 1);
        std::memcpy(received, e->data(other), bytes);
    });
}

ncclResult_t ncclSend(const void* sent, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
    return add_message({static_cast<const char*>(sent), nullptr, count, type, peer}, comm, stream);
}

ncclResult_t ncclRecv(void* received, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
    return add_message({nullptr, static_cast<char*>(received), count, type, peer}, comm, stream);
}

ncclResult_t ncclGroupStart() {
    ++depth;
    return ncclSuccess;
}

ncclResult_t ncclGroupEnd() { return --depth == 0 && !grouped.empty() ? queue_messages() : ncclSuccess; }
