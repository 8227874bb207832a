#include <cstring>

#include "engine/comm_mpi/combine.h"
#include "tests/comm_nccl/fake/communicator.h"

using namespace gradus::fake;

namespace {

using gradus::DType;

DType dtype_of(ncclDataType_t t) {
    return t == ncclBfloat16 ? DType::bf16 : t == ncclFloat64 ? DType::f64 : t == ncclInt32 ? DType::i32 : DType::f32;
}

// From the last rank to the first.
void sum(const ncclComm& c, const Exchange& e, const char* mine, void* out, ncclDataType_t type, size_t count) {
    std::vector<const void*> sources;
    for (size_t i = 0; i < e.others().size(); ++i) sources.push_back(e.data(i));
    sources.insert(sources.begin() + c.mine, mine);
    const std::vector<const void*> backwards(sources.rbegin(), sources.rend());
    gradus::mpi::sum_in_order(dtype_of(type), out, backwards.data(), int(backwards.size()), int64_t(count));
}

}  // namespace

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
