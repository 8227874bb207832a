// Signals to the supervisor: what the ranks get, and that nothing stays behind.
#include <signal.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/supervise/supervised.h"

using namespace gradus;

namespace {

// A rank that saves when it is asked, notes every signal it gets, and otherwise waits. A shell handles a signal after the
// command it waits for, so it waits in small steps.
const std::string rank_that_saves =
    "trap 'echo TERM >>got; exit 143' TERM; trap 'echo INT >>got' INT; trap 'echo HUP >>got' HUP\n"
    "trap 'echo USR1 >>got; echo 7 >step; [ -e slow ] || exit 0' USR1\n"
    "echo >ready\n"
    "while :; do sleep 0.02; done\n";

}  // namespace

TEST_CASE("Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 all ask the ranks by SIGUSR1, once, to save and end") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
        Supervised job;
        job.script(rank_that_saves);
        job.start();
        job.wait_for("ready");
        job.signal(signal);
        REQUIRE(job.status() == 0);
        REQUIRE(job.text("got") == "USR1\n");
        REQUIRE(job.text("step") == "7\n");
        REQUIRE(job.starts() == 1);
    }
}

TEST_CASE("A second signal ends the job at once, with status 130 and no restart") {
    Supervised job;
    write_file_atomically(job.folder / "slow", "");
    job.script(rank_that_saves);
    job.start();
    job.wait_for("ready");
    job.signal(SIGTERM);
    job.wait_for("step");
    job.signal(SIGINT);
    REQUIRE(job.status() == 130);
    REQUIRE(job.text("got") == "USR1\nTERM\n");
    REQUIRE(job.starts() == 1);
}

TEST_CASE("A launcher with a status of its own for an end at once does not hide that it was one") {
    Supervised job;
    job.script("trap 'echo >asked' USR1; trap 'exit 1' TERM; echo >ready; while :; do sleep 0.02; done");
    job.start();
    job.wait_for("ready");
    job.signal(SIGINT);
    job.wait_for("asked");
    job.signal(SIGINT);
    REQUIRE(job.status() == 130);
}

TEST_CASE("A repeated hang-up is no second signal") {
    Supervised job;
    write_file_atomically(job.folder / "slow", "");
    job.script(
        "trap 'echo USR1 >>got; echo >asked' USR1; trap 'echo TERM >>got; exit 9' TERM\n"
        "echo >ready; until [ -e finish ]; do sleep 0.02; done");
    job.start();
    job.wait_for("ready");
    job.signal(SIGTERM);
    job.wait_for("asked");
    job.signal(SIGHUP);
    job.signal(SIGHUP);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    write_file_atomically(job.folder / "finish", "");
    REQUIRE(job.status() == 0);
    REQUIRE(job.text("got") == "USR1\n");
}

TEST_CASE("A third signal ends a job that ignores the others") {
    Supervised job;
    job.script(
        "trap 'echo >asked' USR1; trap 'echo >told' TERM; rm -f told; echo >ready; while :; do sleep 0.02; done");
    job.start();
    job.wait_for("ready");
    job.signal(SIGINT);
    job.wait_for("asked");
    job.signal(SIGINT);
    job.wait_for("told");
    job.signal(SIGINT);
    REQUIRE(job.status() == 130);
}

TEST_CASE("A rank that is lost while it stops is not started again") {
    Supervised job;
    job.script("trap 'exit 75' USR1; echo >ready; while :; do sleep 0.02; done");
    job.start();
    job.wait_for("ready");
    job.signal(SIGTERM);
    REQUIRE(job.status() == 75);
    REQUIRE(job.starts() == 1);
}

TEST_CASE("A signal between two starts ends the wait with the status of the job that was lost") {
    Supervised job;
    job.script("exit 137");
    job.supervision.first_wait = 1000;
    job.start();
    job.wait_for("told", "restarting in 16m40s");
    job.signal(SIGINT);
    REQUIRE(job.status() == 137);
    REQUIRE(job.starts() == 1);
}

TEST_CASE("A hang-up that is ignored, as under nohup, does not stop the ranks") {
    Supervised job;
    job.script(rank_that_saves);
    job.start([] { ::signal(SIGHUP, SIG_IGN); });
    job.wait_for("ready");
    job.signal(SIGHUP);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    REQUIRE_FALSE(job.has("got"));
    job.signal(SIGTERM);
    REQUIRE(job.status() == 0);
}

TEST_CASE("What a lost launcher leaves running is ended before the next start, in its group or out of it") {
    Supervised job;
    job.script(
        "[ -e step ] && exit 0; echo 1 >step\n"
        "sh -c 'echo $$ >inside; exec sleep 1000' &\n"
        "setsid sh -c 'sleep 1000 & echo $! >below; echo $$ >outside; wait' &\n"
        "until [ -s inside ] && [ -s outside ]; do sleep 0.02; done; kill -9 $$");
    job.start();
    REQUIRE(job.status() == 0);
    REQUIRE(job.starts() == 2);
    for (const char* file : {"inside", "outside", "below"})
        REQUIRE(Supervised::ends(std::atoi(job.text(file).c_str())));
}

TEST_CASE("A launcher does not outlive a supervisor that is killed") {
    Supervised job;
    job.script("echo $$ >rank; " + rank_that_saves);
    job.start();
    job.wait_for("ready");
    job.signal(SIGKILL);
    REQUIRE(job.status() == 137);
    REQUIRE(Supervised::ends(std::atoi(job.text("rank").c_str())));
    REQUIRE(job.text("got") == "TERM\n");
}
