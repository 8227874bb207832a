#include "tests/session.h"

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <iostream>

int run_tests(int count, char** words, const char* (*why_not)()) {
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(count, words)) return wrong;
    const Catch::ConfigData& asked = session.configData();
    const bool lists = asked.listTests || asked.listTestNamesOnly || asked.listTags;
    if (const char* reason = why_not && !lists ? why_not() : nullptr) {
        std::cout << "skipped: " << reason << "\n";
        return 0;
    }
    return session.run();
}
