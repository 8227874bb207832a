// Errors of a build without MPI when several ranks are started.
#include <cstdlib>

#include <catch2/catch.hpp>

#include "engine/comm_mpi/mpi_world.h"

using namespace gradus;

TEST_CASE("without MPI one rank works and a mesh of more names the build option") {
    MpiWorld world;
    REQUIRE(world.size() == 1);
    REQUIRE(world.mesh({.dp = 1}).world.size == 1);
    REQUIRE(world.mesh({}).size.dp == 1);
    try {
        world.mesh({.dp = 2});
        FAIL("a mesh of two ranks was made");
    } catch (const Error& e) {
        REQUIRE(e.cause == "the mesh is dp=2");
        REQUIRE(e.fix.find("-DWITH_MPI=ON") != std::string::npos);
    }
}

TEST_CASE("without MPI several ranks from mpirun are an Error") {
    ::setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    try {
        MpiWorld world;
        ::unsetenv("OMPI_COMM_WORLD_SIZE");
        FAIL("two ranks were taken");
    } catch (const Error& e) {
        ::unsetenv("OMPI_COMM_WORLD_SIZE");
        REQUIRE(std::string(e.what()) == "this build has no MPI, and 2 ranks were started");
        REQUIRE(e.fix.find("-DWITH_MPI=ON") != std::string::npos);
    }
}
