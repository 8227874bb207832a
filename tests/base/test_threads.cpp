// Threads that the system may refuse.
#include "engine/base/threads.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "engine/base/log.h"
#include "tests/base/limits.h"

using namespace gradus;
using namespace gradus::test;

namespace {

auto threads_here() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("As many threads as are asked for run at once, and none of them is left") {
    const auto before = threads_here();
    for (const int wanted : {1, 2, 7}) {
        REQUIRE(threads_at_once(wanted) == wanted);
        REQUIRE(threads_here() == before);
    }
    REQUIRE_NOTHROW(require_threads(4));
}

TEST_CASE("Where a user may have no more threads, an Error says how many there are and what to type") {
    const Heard heard = in_a_child([] {
        if (!become_a_user_with(3)) return tell("not root");
        if (threads_at_once(8) != 3) throw 0;
        if (threads_at_once(3) != 3) throw 0;  // those of before are not counted any more
        require_threads(1);
        require_threads(2);
        try {
            require_threads(8);
        } catch (const Error& e) { tell(e.text()); }
    });
    INFO(heard.text);
    if (heard.text == "not root") {
        WARN("only root can become a user with a limit: skipped");
        return;
    }
    REQUIRE(heard.status == 0);
    REQUIRE(heard.text.find("error: only 3 threads can run at once, and computing with 8 needs") == 0);
    REQUIRE(heard.text.find("ulimit -u, which is 3") != std::string::npos);
    REQUIRE(heard.text.find("OMP_NUM_THREADS=2 before") != std::string::npos);
}
