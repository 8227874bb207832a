// Every collective between devices, compared with the result of one rank.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

TEST_CASE("devices add over all ranks, for every dtype") { require_success("sums", {2, 3, 4}); }

TEST_CASE("a maximum over devices keeps NaN") { require_success("maxima", {2, 4}); }

TEST_CASE("a sum is reduce-scattered over devices and gathered again, in place or not") {
    require_success("scattered_and_gathered", {2, 3, 4});
}

TEST_CASE("after a broadcast every device has the root's bits") { require_success("broadcasts", {1, 2, 4}); }

TEST_CASE("messages are sent between devices, around a ring and along a line") { require_success("messages", {2, 4}); }

TEST_CASE("hosts exchange texts during the devices' calls") { require_success("texts", {1, 3}); }

TEST_CASE("two axes of a mesh add concurrently, each over its own ranks") { require_success("axes", {4}); }

TEST_CASE("the host runs far ahead of calls on two streams, and they stay in order") {
    require_success("many", {2, 3});
}

TEST_CASE("a device that is busy for a long time is waited for") { require_success("long_work", {2}); }

TEST_CASE("one rank needs neither MPI nor NCCL") { require_success("long_work", {1}); }
