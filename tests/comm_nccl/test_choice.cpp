// The choice of a Comm for the ranks of a run.
#include <catch2/catch.hpp>

#include "engine/comm_nccl/choice/rank_comms.h"

using namespace gradus;

namespace {
std::string refusal(const std::string& asked, const std::string& device, int ranks, bool built,
                    const std::string& sharing) {
    try {
        choose_comm(asked, device, ranks, built, sharing);
    } catch (const Error& e) { return e.text(); }
    return "";
}
}  // namespace

TEST_CASE("one rank needs no Comm on any device") {
    for (const char* device : {"cpu", "cuda", "simt"})
        REQUIRE(choose_comm("auto", device, 1, true, "") == CommKind::one_rank);
    REQUIRE(choose_comm("nccl", "cuda", 1, false, "") == CommKind::one_rank);
}

TEST_CASE("ranks on CPUs use MPI, and on the emulator MPI staged through the host") {
    for (const char* asked : {"auto", "mpi"})
        for (bool built : {false, true}) {
            REQUIRE(choose_comm(asked, "cpu", 2, built, "") == CommKind::host);
            REQUIRE(choose_comm(asked, "simt", 2, built, "") == CommKind::staged);
        }
}

TEST_CASE("ranks with a GPU each use NCCL if it is built, else MPI staged through the host") {
    REQUIRE(choose_comm("auto", "cuda", 8, true, "") == CommKind::nccl);
    REQUIRE(choose_comm("nccl", "cuda", 8, true, "") == CommKind::nccl);
    REQUIRE(choose_comm("auto", "cuda", 8, false, "") == CommKind::staged);
    REQUIRE(choose_comm("mpi", "cuda", 8, true, "") == CommKind::staged);
    REQUIRE(choose_comm("auto", "cuda", 8, true, "ranks 0 and 1 on 'a'") == CommKind::staged);
}

TEST_CASE("NCCL that is unavailable is refused with what to type instead") {
    using Catch::Matchers::Contains;
    REQUIRE_THAT(refusal("nccl", "cpu", 2, true, ""),
                 Contains("train.device is 'cpu'") && Contains("--set mesh.comm=auto"));
    REQUIRE_THAT(refusal("nccl", "cuda", 2, false, ""),
                 Contains("this build has no NCCL") && Contains("--set mesh.comm=mpi"));
    REQUIRE_THAT(refusal("nccl", "cuda", 2, true, "ranks 0 and 1 on 'a'"),
                 Contains("ranks 0 and 1 on 'a' share a GPU") && Contains("--set mesh.comm=mpi"));
}

TEST_CASE("ranks share a GPU if host and address are the same") {
    REQUIRE(ranks_that_share({"a", "a", "b", "b"}, {"0:1", "0:2", "0:1", "0:2"}).empty());
    REQUIRE(ranks_that_share({"a", "b", "b"}, {"0:1", "0:2", "0:2"}) == "ranks 1 and 2 on 'b'");
}
