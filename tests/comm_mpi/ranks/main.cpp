// comm_ranks SCENARIO: one rank of a test. In the scenario "escapes", an exception on rank 1 leaves the scope of
// MpiWorld.
#include <cstdio>
#include <cstring>

#include "tests/comm_mpi/ranks/scenarios.h"

using namespace gradus;

static int run(const Scenario& scenario) {
    MpiWorld world(scenario.limits);
    try {
        scenario.run(world);
    } catch (const Error& e) { world.fail(e, 3); } catch (const InternalError& e) {
        world.fail(Error("a promise was broken", e.what(), "look at the scenario"), 70);
    }
    return 0;
}

static int escape() {
    try {
        MpiWorld world({.silence = 3, .patience = 60});
        if (world.rank() == 1) throw Error("this text is printed after the world is gone", "", "");
        world.all().barrier();
    } catch (const Error& e) {
        std::fprintf(stderr, "%s\n", e.text().c_str());
        return 5;
    }
    return 0;
}

int main(int argc, char** argv) {
    const char* wanted = argc == 2 ? argv[1] : "";
    if (std::strcmp(wanted, "escapes") == 0) return escape();
    for (const auto* list : {&collective_scenarios, &fault_scenarios, &bench_scenarios})
        for (const Scenario& s : *list)
            if (std::strcmp(s.name, wanted) == 0) return run(s);
    std::fprintf(stderr, "there is no scenario '%s'\n", wanted);
    return 2;
}
