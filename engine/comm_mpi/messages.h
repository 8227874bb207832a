#pragma once
// The messages between ranks: the header that starts every call, and the heartbeat.
#include <array>
#include <cstdint>
#include <string>

#include "kernels/tensor.h"

namespace gradus::mpi {

// All messages of a pair of ranks with one tag arrive in the order they were sent. Headers of all groups share a tag: a
// pair that meets in two groups makes its calls in one order, so the next header is the expected one or a mistake.
constexpr int tag_header = 1, tag_data = 2, tag_beat = 3;

enum class Call : int32_t {
    nothing,
    sum,
    max,
    reduce_scatter,
    all_gather,
    broadcast,
    send,
    receive,
    barrier,
    gather,
    end,
    connect,  // of a device's communicator
};

constexpr const char* name_of(Call c) {
    constexpr std::array names = {
        "no call yet", "all-reduce", "all-reduce (max)", "reduce-scatter", "all-gather",         "broadcast",
        "send",        "receive",    "barrier",          "gather",         "end of the program", "connect"};
    return size_t(c) < names.size() ? names[size_t(c)] : "an unknown call";
}

// What a rank calls. Of two ranks in one call these are equal, but for `inlined` and `step`, and `count` in a gather.
struct Header {
    Call call = Call::nothing;
    int32_t group = 0;   // groups are numbered in the order they are made, on all ranks alike
    int64_t number = 0;  // index of the call in this group, from 1; of a send, in this pair of ranks
    DType dtype = DType::f32;
    int32_t root = -1;    // of a broadcast
    int64_t count = 0;    // elements; bytes in a gather
    int64_t inlined = 0;  // bytes that follow in the same message
    int64_t step = 0;
    int64_t calls = 0;   // of this rank in all groups, this one included
    int64_t unused = 0;  // to 64 bytes, so that what follows is aligned
};
static_assert(sizeof(Header) == 64 && sizeof(Call) == 4);

// Small enough for a header with it to be sent at once by every transport, however late the receiver is.
constexpr size_t max_inline_bytes = 3072;
constexpr size_t message_bytes = sizeof(Header) + max_inline_bytes;

// How far a rank is with the calls of one group that its device makes (engine/comm_nccl): the host begins them, the device
// comes to them and finishes them, in this order. A send or a receive has two ranks alone and is not counted.
struct DeviceProgress {
    Header next;  // the first call that is not finished; of none, the last one
    enum Stage : int64_t { finished_all, begun_next, reached_next } stage = finished_all;
    int64_t begun = 0, finished = 0;  // calls
};
constexpr int most_device_groups = 8;

struct Beat {
    Header last;                                                 // the call that the rank is in or left last
    int64_t inside = 0;                                          // 1: in it
    int64_t waits_for = -1;                                      // a rank that it waits for there
    uint64_t progress = 0;                                       // with its files (engine/base/progress.h)
    std::array<DeviceProgress, most_device_groups> device = {};  // in the order in which the groups were made
};

// "all-reduce #12 of dp, 1024 of f32, at step 7"
std::string text_of(const Header&, const std::string& group);

}  // namespace gradus::mpi
