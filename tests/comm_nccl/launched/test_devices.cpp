// Every collective between devices; the scenarios compare with what one rank computes alone.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

TEST_CASE("devices add over all ranks, for every dtype") { require_success("sums", {2, 3, 4}); }

TEST_CASE("a maximum over devices keeps NaN") { require_success("maxima", {2, 4}); }

TEST_CASE("a sum is scattered over devices and gathered again, in its place or beside it") {
    require_success("scattered_and_gathered", {2, 3, 4});
}

TEST_CASE("a broadcast brings the root's bits to every device") { require_success("broadcasts", {1, 2, 4}); }

TEST_CASE("messages go from device to device, round a ring and down a line") { require_success("messages", {2, 4}); }

TEST_CASE("hosts exchange words beside the devices' calls") { require_success("texts", {1, 3}); }

TEST_CASE("two axes of a mesh add at once, each over its own ranks") { require_success("axes", {4}); }

TEST_CASE("the host runs far ahead of calls on two streams, and they stay in order") {
    require_success("many", {2, 3});
}

TEST_CASE("a device that is busy for long is waited for") { require_success("long_work", {2}); }

TEST_CASE("one rank needs neither MPI nor NCCL") { require_success("long_work", {1}); }
