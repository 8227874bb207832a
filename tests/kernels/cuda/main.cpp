// Where there is no GPU these tests say so and are done.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <iostream>

#include "kernels/ops.h"

int main(int count, char** words) {
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(count, words)) return wrong;
    const Catch::ConfigData& asked = session.configData();
    if (!asked.listTests && !asked.listTestNamesOnly && !asked.listTags && gradus::cuda_devices() == 0) {
        std::cout << "skipped: this machine has no GPU that CUDA sees\n";
        return 0;
    }
    return session.run();
}
