#include <cstdlib>

#include "kernels/simt/stream.h"
#include "tests/comm_nccl/fake/communicator.h"

namespace gradus::fake {

namespace {

enum Misfit { hang = 0, report = 1, nonsense = 2 };

}  // namespace

int64_t next_call() {
    static int64_t calls = 0;
    return ++calls;
}

long trouble(const char* word) {
    const char* text = std::getenv("GRADUS_FAKE_NCCL");
    const std::string all = text ? std::string(" ") + text : "", wanted = std::string(" ") + word + "=";
    const size_t at = all.find(wanted);
    return at == std::string::npos ? 0 : std::strtol(all.c_str() + at + wanted.size(), nullptr, 10);
}

size_t size_of(ncclDataType_t t) { return t == ncclBfloat16 ? 2 : t == ncclFloat64 ? 8 : 4; }

std::vector<char> bytes_of(const void* data, size_t bytes) {
    const char* first = static_cast<const char*>(data);
    return {first, first + bytes};
}

ncclResult_t queue(ncclComm* c, cudaStream_t stream, const std::shared_ptr<Exchange>& exchange,
                   std::function<void()> finish) {
    int64_t number;
    {
        Lock lock(mpi::mpi_mutex());
        if (c->aborted || c->finalizing || c->making || c->splitting || c->state != ncclSuccess)
            return ncclInvalidUsage;
        number = next_call();
        if (number == trouble("refuse")) {
            c->words = "the fake refuses this call";
            return ncclSystemError;
        }
        c->in_order.push_back(exchange);
        c->answers_late = number % 3 == 0 ? 2 : 0;
    }
    const bool stalls = number == trouble("stall"), breaks = number == trouble("break");
    simt::enqueue({stream}, [=] {
        Lock lock(mpi::mpi_mutex());
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

std::shared_ptr<Exchange> exchange_of(ncclComm* c, Calls call, ncclDataType_t type, size_t count, int root) {
    const Head head = {call, type, int64_t(count), root, ++c->calls};
    return std::make_shared<Exchange>(first_tag + c->id, head, c->others());
}

}  // namespace gradus::fake
