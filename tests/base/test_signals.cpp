// Stopping on request: the first signal asks, the second ends the process.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cstdlib>

#include "engine/base/log.h"
#include "engine/base/signals.h"

using namespace gradus;

namespace {

// The exit status of a child that runs `body`.
template <class Body>
int status_of_child(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (!::freopen("/dev/null", "w", stderr)) ::_exit(99);
        body();
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("A first signal only asks to stop") {
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const int status = status_of_child([signal] {
            install_stop_signals();
            const bool before = stop_requested();
            ::raise(signal);
            ::_exit(!before && stop_requested() ? 7 : 8);
        });
        REQUIRE(status == 7);
    }
}

TEST_CASE("A second signal ends the process with status 130") {
    const int status = status_of_child([] {
        install_stop_signals();
        ::raise(SIGTERM);
        ::raise(SIGINT);
        ::_exit(7);
    });
    REQUIRE(status == 130);
}

TEST_CASE("A hang-up that is ignored stays ignored, as nohup asks") {
    const int status = status_of_child([] {
        ::signal(SIGHUP, SIG_IGN);
        install_stop_signals();
        ::raise(SIGHUP);
        ::_exit(stop_requested() ? 8 : 7);
    });
    REQUIRE(status == 7);
}

TEST_CASE("A reader that goes away does not end the process, and what is told to nobody is dropped") {
    const int status = status_of_child([] {
        install_stop_signals();
        int ends[2];
        if (::pipe(ends) != 0 || ::dup2(ends[1], STDOUT_FILENO) < 0 || ::dup2(ends[1], STDERR_FILENO) < 0) ::_exit(9);
        ::close(ends[0]);
        for (int i = 0; i < 3; ++i) {
            tell("step\n");
            note("a note");
        }
        std::exit(std::fflush(stdout) == 0 ? 7 : 8);
    });
    REQUIRE(status == 7);
}
