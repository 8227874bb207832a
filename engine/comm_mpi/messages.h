#pragma once
// The messages between ranks: the header that starts every call, and the heartbeat.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace gradus::mpi {

// All messages of a pair of ranks with one tag arrive in the order they were sent. Headers of all groups share a tag: a
// pair of ranks that is in two groups makes its calls in the same order, so any other header than the expected one is a
// mistake.
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
    connect,  // creates a device communicator
};

constexpr const char* name_of(Call c) {
    constexpr std::array names = {
        "no call yet", "all-reduce", "all-reduce (max)", "reduce-scatter", "all-gather",         "broadcast",
        "send",        "receive",    "barrier",          "gather",         "end of the program", "connect"};
    return size_t(c) < names.size() ? names[size_t(c)] : "an unknown call";
}

// Describes a call. Two ranks in the same call have equal headers, except `inlined`, `step` and, in a gather, `count`.
struct Header {
    Call call = Call::nothing;
    int32_t group = 0;   // groups are numbered in the order of creation, which is the same on all ranks
    int64_t number = 0;  // index of the call in this group, from 1; sends are counted per pair of ranks
    DType dtype = DType::f32;
    int32_t root = -1;    // of a broadcast
    int64_t count = 0;    // elements; bytes in a gather
    int64_t inlined = 0;  // bytes that follow in the same message
    int64_t step = 0;
    int64_t calls = 0;   // of this rank in all groups, including this one
    int64_t unused = 0;  // padding to 64 bytes, so that the data after it is aligned
};
static_assert(sizeof(Header) == 64 && sizeof(Call) == 4);

// Small enough that every transport sends a header with its data eagerly, without waiting for the receiver.
constexpr size_t max_inline_bytes = 3072;
constexpr size_t message_bytes = sizeof(Header) + max_inline_bytes;

// A rank's progress with the device calls of one group (engine/comm_nccl): the host begins a call, the device reaches
// it and finishes it. Sends and receives concern only two ranks and are not counted.
struct DeviceProgress {
    Header next;  // the first unfinished call; if there is none, the last call
    enum Stage : int64_t { finished_all, begun_next, reached_next } stage = finished_all;
    int64_t begun = 0, finished = 0;  // calls
};
constexpr int most_device_groups = 8;

struct Beat {
    Header last;                                                 // the current call, or the last one
    int64_t inside = 0;                                          // 1: the rank is in that call
    int64_t waits_for = -1;                                      // the rank that it waits for in that call; -1: none
    uint64_t progress = 0;                                       // with files (engine/base/progress.h)
    std::array<DeviceProgress, most_device_groups> device = {};  // in the order of the groups' creation
};

// "all-reduce #12 of dp, 1024 of f32, at step 7"
std::string text_of(const Header&, const std::string& group);

// "rank 1 on 'a', rank 2 on 'a' and 7 more", at most most_named of them.
constexpr size_t most_named = 4;
std::string list_of(const std::vector<std::string>& names);

}  // namespace gradus::mpi
