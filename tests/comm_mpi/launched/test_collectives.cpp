// Every collective on two and on four ranks; the scenarios compare with what one rank computes alone.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

TEST_CASE("a sum over ranks has the bits of the sum in rank order, on every rank, for every size and dtype") {
    require_success("sums", {2, 3, 4});
}

TEST_CASE("a maximum over ranks is exact and keeps NaN") { require_success("maxima"); }

TEST_CASE("a scattered sum gives each rank its part and leaves the whole as it was") {
    require_success("scattered_sums");
}

TEST_CASE("parts of all ranks are gathered in rank order") { require_success("gathered_parts"); }

TEST_CASE("a broadcast brings the root's bits to every rank") { require_success("broadcasts"); }

TEST_CASE("messages go round a ring and down a line") { require_success("messages"); }

TEST_CASE("texts and numbers of all ranks are known to every rank") { require_success("texts"); }

TEST_CASE("the axes of a two by two mesh add over their own ranks alone") { require_success("axes", {4}); }

TEST_CASE("a sum does not depend on which rank comes first") { require_success("timing"); }

TEST_CASE("thousands of small calls in a row stay in step") { require_success("many"); }

TEST_CASE("a rank that computes for long is waited for") { require_success("long_work", {2}); }

TEST_CASE("one rank needs no MPI and every collective returns at once") { require_success("broadcasts", {1}); }
