// The rungs of a ladder as the tested backend, one after the other: each runs the cases of its op in a process of its own, which
// finds its name in the environment.
//
//   test_ladder FAMILY      all rungs of the family; the exit status is 0 if all pass
//   GRADUS_RUNG=FAMILY/NAME test_ladder CASES …      one rung; arguments as of every test program
#include <cstdio>
#include <cstdlib>

#include "kernels/ladder.h"
#include "kernels/simt/settings.h"
#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"
#include "tests/session.h"

namespace gradus::test {

namespace {

std::string name_of(const Rung& rung) { return rung.family + "/" + rung.name; }

const Rung& rung_under_test() {
    const std::string name = std::getenv("GRADUS_RUNG");
    for (const Rung& rung : simt_ladder())
        if (name_of(rung) == name) return rung;
    throw Error("there is no rung " + name, "it is in no ladder of kernels/cuda/ladder", "a FAMILY/NAME of its lists");
}

int run_family(const std::string& program, const std::string& family) {
    int rungs = 0, failed = 0;
    for (const Rung& rung : simt_ladder()) {
        if (rung.family != family) continue;
        ++rungs;
        const std::string command = "GRADUS_RUNG='" + name_of(rung) + "' '" + program + "' '" + rung.cases + "'";
        const bool passed = std::system(command.c_str()) == 0;
        std::printf("%s: %s\n", name_of(rung).c_str(), passed ? "passed" : "FAILED");
        failed += !passed;
    }
    return rungs == 0 || failed > 0;
}

}  // namespace

const Tested& tested() {
    static const Tested table = [] {
        std::vector<Configuration> configurations;
        for (const char* text : {"seed=1 copies=late resident=1", "seed=2 copies=early resident=2"}) {
            simt::Settings settings = simt::parse_settings(text);
            settings.capability = rung_under_test().capability;
            configurations.push_back({text, [settings] { simt::use(settings); }});
        }
        configurations.front().enter();
        const Ops& ops = rung_under_test().table;
        return Tested{.device = ops, .ops = hosted(ops), .configurations = configurations, .slow = true};
    }();
    return table;
}

}  // namespace gradus::test

int main(int count, char** words) {
    if (std::getenv("GRADUS_RUNG")) return run_tests(count, words);
    if (count != 2) {
        std::fprintf(stderr, "usage: test_ladder FAMILY\n");
        return 2;
    }
    return gradus::test::run_family(words[0], words[1]);
}
