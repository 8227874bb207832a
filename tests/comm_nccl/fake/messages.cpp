// ncclSend and ncclRecv, and their groups.
#include <cstring>

#include "kernels/simt/stream.h"
#include "tests/comm_nccl/fake/communicator.h"

using namespace gradus::fake;

namespace {

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

// Every message is an exchange with one rank that sends or answers; all messages of a group are one piece of work.
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
        Lock lock(gradus::mpi::mpi_mutex());
        number = next_call();
        c->in_order.push_back(place);
    }
    const bool stalls = number == trouble("stall");
    gradus::simt::enqueue({grouped_stream}, [=] {
        Lock lock(gradus::mpi::mpi_mutex());
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
