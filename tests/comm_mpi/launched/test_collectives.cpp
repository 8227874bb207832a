// Every collective on two and four ranks, compared with the result of one rank.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

TEST_CASE("a sum over ranks has the bits of the sum in rank order, on every rank, for every size and dtype") {
    require_success("sums", {2, 3, 4});
}

TEST_CASE("a maximum over ranks is exact and keeps NaN") { require_success("maxima"); }

TEST_CASE("a reduce-scatter gives each rank its part and leaves the input unchanged") {
    require_success("scattered_sums");
}

TEST_CASE("parts of all ranks are gathered in rank order") { require_success("gathered_parts"); }

TEST_CASE("after a broadcast every rank has the root's bits") { require_success("broadcasts"); }

TEST_CASE("messages are sent around a ring and along a line") { require_success("messages"); }

TEST_CASE("every rank gets the texts and numbers of all ranks") { require_success("texts"); }

TEST_CASE("the axes of a 2 x 2 mesh add only over their own ranks") { require_success("axes", {4}); }

TEST_CASE("a sum does not depend on the order in which ranks arrive") { require_success("timing"); }

TEST_CASE("thousands of small calls in a row stay in order") { require_success("many"); }

TEST_CASE("a rank that computes for a long time is waited for") { require_success("long_work", {2}); }

TEST_CASE("one rank needs no MPI and every collective returns at once") { require_success("broadcasts", {1}); }
