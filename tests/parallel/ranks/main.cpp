// training_ranks SCENARIO: one rank of a test.
#include <cstdio>
#include <cstring>

#include "tests/parallel/ranks/training.h"

using namespace gradus;

int main(int argc, char** argv) {
    const char* wanted = argc == 2 ? argv[1] : "";
    for (const auto* list : {&training_scenarios, &checkpoint_scenarios, &stability_scenarios, &device_scenarios})
        for (const Scenario& s : *list) {
            if (std::strcmp(s.name, wanted) != 0) continue;
            MpiWorld world(s.limits);
            try {
                s.run(world);
                return 0;
            } catch (const Error& e) { world.fail(e, 3); } catch (const InternalError& e) {
                world.fail(Error("an internal check failed", e.what(), "look at the scenario"), 70);
            }
        }
    std::fprintf(stderr, "there is no scenario '%s'\n", wanted);
    return 2;
}
