// The same under Open MPI's mpirun, whose ranks lie outside its process group. The ranks are shell scripts.
#include <signal.h>
#include <catch2/catch.hpp>

#include <cstdlib>

#include "tests/supervise/supervised.h"

using namespace gradus;

namespace {

bool has_open_mpi() {
    if (std::system("mpirun --version 2>/dev/null | grep -q 'Open MPI'") == 0) return true;
    WARN("skipped: no mpirun of Open MPI");
    return false;
}

// Two ranks that write their process numbers to START.RANK, then wait for a request to save.
void wait_for_ranks(const Supervised& job, int start) {
    for (const char* rank : {".0", ".1"}) job.wait_for(std::to_string(start) + rank, "\n");
}

void start_two_ranks(Supervised& job) {
    job.script("echo $$ >mpirun; export START=$(grep -c . starts); exec mpirun -n 2 --oversubscribe sh rank");
    write_file_atomically(job.folder / "rank",
                          "trap 'echo 7 >step; echo saved >>saved; exit 0' USR1\n"
                          "echo $$ >$START.$OMPI_COMM_WORLD_RANK\n"
                          "while :; do sleep 0.02; done\n");
    job.start([] {
        for (const char* name : {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}) ::setenv(name, "1", 1);
        ::setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 1);
        ::setenv("OMPI_MCA_plm", "isolated", 1);
    });
    wait_for_ranks(job, 1);
}

pid_t number_in(const Supervised& job, const char* file) { return std::atoi(job.text(file).c_str()); }

}  // namespace

TEST_CASE("mpirun hands the request to save to every rank") {
    if (!has_open_mpi()) return;
    Supervised job;
    start_two_ranks(job);
    job.signal(SIGTERM);
    REQUIRE(job.status() == 0);
    REQUIRE(job.text("saved") == "saved\nsaved\n");
    REQUIRE(job.starts() == 1);
}

TEST_CASE("A rank of mpirun that is killed brings all of them back") {
    if (!has_open_mpi()) return;
    Supervised job;
    start_two_ranks(job);
    const pid_t other = number_in(job, "1.0");
    REQUIRE(::kill(number_in(job, "1.1"), SIGKILL) == 0);
    job.wait_for("told", "a rank was lost (status 137, Killed)");
    REQUIRE(Supervised::ends(other));
    wait_for_ranks(job, 2);
    job.signal(SIGINT);
    REQUIRE(job.status() == 0);
    REQUIRE(job.starts() == 2);
}

TEST_CASE("The ranks of an mpirun that is killed are ended before the job starts again") {
    if (!has_open_mpi()) return;
    Supervised job;
    start_two_ranks(job);
    const pid_t ranks[] = {number_in(job, "1.0"), number_in(job, "1.1")};
    REQUIRE(::kill(number_in(job, "mpirun"), SIGKILL) == 0);
    job.wait_for("told", "a rank was lost");
    for (const pid_t rank : ranks) REQUIRE(::kill(rank, 0) != 0);
    wait_for_ranks(job, 2);
    job.signal(SIGINT);
    REQUIRE(job.status() == 0);
}
