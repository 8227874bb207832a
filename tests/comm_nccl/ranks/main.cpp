// nccl_ranks SCENARIO: one rank of a test.
#include <cstdio>
#include <cstring>

#include "tests/comm_nccl/ranks/devices.h"

using namespace gradus;

int main(int argc, char** argv) {
    const char* wanted = argc == 2 ? argv[1] : "";
    for (const auto* list : {&device_scenarios, &device_fault_scenarios})
        for (const Scenario& s : *list) {
            if (std::strcmp(s.name, wanted) != 0) continue;
            MpiWorld world(s.limits);
            try {
                s.run(world);
                return 0;
            } catch (const Error& e) { world.fail(e, 3); } catch (const std::logic_error& e) {
                world.fail(Error("a promise was broken", e.what(), "look at the scenario"), 70);
            }
        }
    std::fprintf(stderr, "there is no scenario '%s'\n", wanted);
    return 2;
}
