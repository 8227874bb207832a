// Stopping on request: the first signal asks, the second ends the process.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

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
    for (int signal : {SIGINT, SIGTERM}) {
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
