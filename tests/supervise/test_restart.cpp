// When a job starts again, when it does not, and what is told about it.
#include <signal.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

#include "tests/supervise/supervised.h"

using namespace gradus;

static int lines_of(const std::string& text) { return int(std::count(text.begin(), text.end(), '\n')); }

TEST_CASE("A job that is done, that met an error or was ended by hand is not started again") {
    for (const int status : {0, 1, 2, 3, 70, 74, 76, 127, 130}) {
        Supervised job;
        job.script("exit " + std::to_string(status));
        job.start();
        REQUIRE(job.status() == status);
        REQUIRE(job.starts() == 1);
        REQUIRE(job.told().empty());
        REQUIRE_FALSE(is_lost(status));
    }
}

TEST_CASE("A job that lost a rank is restarted and told about, with the step it resumes from") {
    for (const int status : {75, 128, 134, 137, 143, 255}) {
        Supervised job;
        job.script("[ -e step ] && exit 0; echo 40 >step; exit " + std::to_string(status));
        job.start();
        REQUIRE(job.status() == 0);
        REQUIRE(job.starts() == 2);
        REQUIRE(lines_of(job.told()) == 1);
        REQUIRE(job.told().find("note: a rank was lost (status " + std::to_string(status)) == 0);
        REQUIRE(job.told().find("restarting in 10 ms, from step 40\n") != std::string::npos);
        REQUIRE(is_lost(status));
    }
}

TEST_CASE("A launcher that a signal ended is told with the signal, and a job without a checkpoint begins again") {
    Supervised job;
    job.script("[ $(wc -l <starts) -ge 3 ] && exit 0; kill -9 $$");
    job.start();
    REQUIRE(job.status() == 0);
    REQUIRE(job.starts() == 3);
    REQUIRE(lines_of(job.told()) == 2);
    REQUIRE(job.told().find("(status 137, Killed); restarting in 10 ms, from the beginning\n") != std::string::npos);
    REQUIRE(job.told().find("restarting in 20 ms") != std::string::npos);
}

TEST_CASE("A job that makes checkpoints is started again any number of times") {
    Supervised job;
    job.script("n=$(wc -l <starts); [ $n -eq 8 ] && exit 0; echo $n >step; kill -TERM $$");
    job.supervision.first_wait = 0.001;
    job.start();
    REQUIRE(job.status() == 0);
    REQUIRE(job.starts() == 8);
    REQUIRE(job.told().find(", from step 7\n") != std::string::npos);
}

TEST_CASE("Three starts in a row without a newer checkpoint are an Error of three lines") {
    Supervised job;
    // The first two starts make checkpoints; one that is older than the newest counts for nothing.
    job.script("n=$(wc -l <starts); [ $n -le 2 ] && echo ${n}0 >step; [ $n -eq 4 ] && echo 10 >step; exit 137");
    job.start();
    REQUIRE(job.status() == 1);
    REQUIRE(job.starts() == 5);
    const std::string told = job.told();
    REQUIRE(lines_of(told) == 4 + 3);
    REQUIRE(
        told.find(
            "error: the job was lost 3 times in a row without a newer checkpoint\n  cause: the last attempt ended with "
            "status 137, Killed; newest checkpoint: step 20\n  fix: ") != std::string::npos);
}

TEST_CASE("Without auto-resume a lost job keeps its status") {
    Supervised job;
    job.script("exit 137");
    job.supervision.auto_resume = false;
    job.start();
    REQUIRE(job.status() == 137);
    REQUIRE(job.starts() == 1);
    REQUIRE(job.told().empty());
}

TEST_CASE("The launcher gets the words of the command as they are, our output and our environment") {
    Supervised job;
    job.script("for word in \"$@\"; do echo \"$word\" >>words; done; echo \"$GREETING\" >&2");
    job.start([] { ::setenv("GREETING", "from outside", 1); });
    REQUIRE(job.status() == 0);
    REQUIRE(job.text("words") == "gradus\npretrain\na recipe.toml\n");
    REQUIRE(job.told() == "from outside\n");
}

TEST_CASE("Without a launcher the command itself is one rank") {
    Supervised job;
    job.supervision.command = {"sh", "-c", "echo \"$1\" >words; exit 3", "sh", "two words"};
    job.start();
    REQUIRE(job.status() == 3);
    REQUIRE(job.text("words") == "two words\n");
}

TEST_CASE("A launcher that cannot be started is an Error that says what to install or to type") {
    struct Case {
        const char *launcher, *error, *fix;
    };
    for (const Case& c :
         {Case{"mpirun", "error: cannot start 'mpirun'\n  cause: No such file or directory in the folders of PATH\n",
               "  fix:   apt-get install openmpi-bin, or another --launch\n"},
          Case{"no-such-launcher", "error: cannot start 'no-such-launcher'\n", "or another --launch"},
          Case{"/etc/passwd", "error: cannot start '/etc/passwd'\n  cause: Permission denied\n",
               "ls -l /etc/passwd, or another --launch\n"}}) {
        Supervised job;
        job.supervision.launcher = {c.launcher, "-n", "4"};
        job.start([] { ::setenv("PATH", "/nonexistent", 1); });
        REQUIRE(job.status() == 1);
        REQUIRE(job.told().find(c.error) == 0);
        REQUIRE(job.told().find(c.fix) != std::string::npos);
        REQUIRE(lines_of(job.told()) == 3);
    }
}

TEST_CASE("Inside a job that a launcher started, supervising is an Error that says to put it outside") {
    Supervised job;
    job.script("exit 0");
    job.start([] { ::setenv("OMPI_COMM_WORLD_SIZE", "4", 1); });
    REQUIRE(job.status() == 1);
    REQUIRE(job.starts() == 0);
    REQUIRE(job.told().find("  cause: this process is one of 4 that a launcher has started already\n") !=
            std::string::npos);
    REQUIRE(job.told().find("gradus pretrain 'a recipe.toml' --launch \"mpirun -n 4\" --auto-resume\n") !=
            std::string::npos);
}

TEST_CASE("A launcher is told to keep quiet about a missing /sys, unless the user has said otherwise") {
    for (const char* said : {"", "0"}) {
        Supervised job;
        job.script("echo \"$HWLOC_HIDE_ERRORS\" >heard");
        job.start([&] {
            if (*said) ::setenv("HWLOC_HIDE_ERRORS", said, 1);
            else ::unsetenv("HWLOC_HIDE_ERRORS");
        });
        REQUIRE(job.status() == 0);
        REQUIRE(job.text("heard") == (*said ? std::string("0\n") : "2\n"));
    }
}
