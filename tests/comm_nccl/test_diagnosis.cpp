// The diagnosis of device calls that do not finish.
#include <catch2/catch.hpp>

#include "engine/comm_mpi/mpi_world.h"
#include "engine/comm_nccl/diagnosis.h"

using namespace gradus;
using namespace gradus::nccl;
using mpi::Call;
using mpi::DeviceProgress;

namespace {

constexpr Timeouts limits = {.silence = 45, .patience = 1800, .stall = 60};

mpi::Header all_reduce(int64_t number, int64_t count = 1024) {
    return {.call = Call::sum, .group = 2, .number = number, .dtype = DType::f32, .count = count, .step = 7};
}

// Rank 0's device waits in all-reduce #12 of dp.
Waiting waiting(double seconds, double together = 0) {
    return {.rank = 0,
            .place = 0,
            .call = all_reduce(12),
            .group = "dp",
            .for_seconds = seconds,
            .together_seconds = together};
}

Other other(int rank, DeviceProgress progress, double silence = 1) {
    return {.rank = rank,
            .place = rank,
            .name = "rank " + std::to_string(rank) + " on 'there'",
            .host = "there",
            .host_call = "after gather #3 of all",
            .silence = silence,
            .progress = progress};
}

DeviceProgress finished(int64_t calls) { return {.next = all_reduce(calls), .begun = calls, .finished = calls}; }
DeviceProgress at(int64_t number, DeviceProgress::Stage stage, int64_t count = 1024) {
    return {.next = all_reduce(number, count), .stage = stage, .begun = number, .finished = number - 1};
}
DeviceProgress in(int64_t number, int64_t count = 1024) { return at(number, DeviceProgress::reached_next, count); }

std::string text(const std::optional<Diagnosis>& diagnosis) { return diagnosis ? diagnosis->error.text() : ""; }

#define REQUIRE_SAYS(diagnosis, part)                             \
    do {                                                          \
        INFO(text(diagnosis));                                    \
        REQUIRE(text(diagnosis).find(part) != std::string::npos); \
    } while (0)

}  // namespace

TEST_CASE("a call that has just begun is waited for") {
    REQUIRE(!diagnose(waiting(1), {other(1, finished(3)), other(2, in(12))}, limits));
}

TEST_CASE("a rank that computes for a long time and sends heartbeats is waited for") {
    REQUIRE(!diagnose(waiting(1700), {other(1, finished(11))}, limits));
}

TEST_CASE("a silent rank that has not arrived is lost, and one that has arrived is not the cause") {
    const auto diagnosis = diagnose(waiting(46), {other(1, in(12), 50), other(2, finished(11), 46)}, limits);
    REQUIRE_SAYS(diagnosis, "error: rank 2 on 'there' is lost");
    REQUIRE_SAYS(diagnosis, "the device of rank 0 waits in all-reduce #12 of dp, 1024 of f32, at step 7");
    REQUIRE_SAYS(diagnosis, "no heartbeat for 46 s");
    REQUIRE_SAYS(diagnosis, "fix:   ");
    REQUIRE(diagnosis->status == status_of_lost_rank);
}

TEST_CASE("a rank that is alive but stalled is named when patience is over, with its state") {
    Other busy = other(2, at(12, DeviceProgress::begun_next));
    busy.device_call = "in reduce-scatter #3 of tp";
    const auto diagnosis = diagnose(waiting(1800), {other(1, in(12)), busy}, limits);
    REQUIRE_SAYS(diagnosis, "error: rank 2 on 'there' is stalled");
    REQUIRE_SAYS(diagnosis,
                 "it has begun 12 calls of dp, and its device has finished 11 and is in reduce-scatter #3 of tp");
    REQUIRE_SAYS(diagnosis, "its host is after gather #3 of all");
    REQUIRE(diagnosis->status == status_of_lost_rank);
}

TEST_CASE("of many stalled ranks four are named and the others counted") {
    std::vector<Other> others;
    for (int rank = 1; rank < 8; ++rank) others.push_back(other(rank, finished(11)));
    REQUIRE_SAYS(diagnose(waiting(1800), others, limits), "rank 4 on 'there' and 3 more are stalled");
}

TEST_CASE("ranks in different calls with the same index get an error with both at once") {
    const auto diagnosis = diagnose(waiting(0), {other(1, in(12, 1000))}, limits);
    REQUIRE_SAYS(diagnosis, "error: rank 0 and rank 1 are not in the same call");
    REQUIRE_SAYS(diagnosis, "all-reduce #12 of dp, 1024 of f32");
    REQUIRE_SAYS(diagnosis, "all-reduce #12 of dp, 1000 of f32");
    REQUIRE(diagnosis->status == 1);
}

TEST_CASE("calls with different indices may differ") {
    REQUIRE(!diagnose(waiting(1), {other(1, in(11, 1000)), other(2, in(13, 9))}, limits));
}

TEST_CASE("a rank that has ended while another one waits for it is named at once") {
    Other gone = other(1, finished(11));
    gone.has_ended = true;
    REQUIRE_SAYS(diagnose(waiting(0), {gone}, limits), "error: rank 1 has ended while rank 0 waits for it");
    gone.progress = finished(12);  // it has finished the call
    REQUIRE(!diagnose(waiting(0), {gone}, limits));
}

TEST_CASE("a call that every rank has reached and that does not finish is a problem of the devices") {
    REQUIRE(!diagnose(waiting(100, 59), {other(1, in(12))}, limits));
    const auto diagnosis = diagnose(waiting(100, 60), {other(1, in(12)), other(2, finished(12))}, limits);
    REQUIRE_SAYS(diagnosis,
                 "error: the devices of rank 0 and rank 1 on 'there', rank 2 on 'there' do not reach each other");
    REQUIRE_SAYS(diagnosis, "NCCL_DEBUG=INFO");
    REQUIRE(diagnosis->status == status_of_lost_rank);
}

TEST_CASE("a send or receive waits only for the other rank") {
    Waiting w = waiting(2000);
    w.call.call = Call::receive;
    w.call.root = 2;
    REQUIRE_SAYS(diagnose(w, {other(1, finished(0), 100), other(2, finished(11))}, limits),
                 "rank 2 on 'there' is stalled");
    DeviceProgress sends = in(12);
    sends.next.call = Call::send;
    sends.next.root = 0;
    REQUIRE(has_arrived(w, other(2, sends)));
    sends.next.root = 1;
    REQUIRE(!has_arrived(w, other(2, sends)));
}

TEST_CASE("a rank has arrived at connect when its host has begun it") {
    Waiting w = waiting(10);
    w.call = {.call = Call::connect, .group = 2, .number = 1};
    REQUIRE(!has_arrived(w, other(1, {})));
    REQUIRE(has_arrived(w, other(1, {.next = w.call, .stage = DeviceProgress::begun_next, .begun = 1})));
}
