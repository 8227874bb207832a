#pragma once
// Catch2's own code, which takes long to compile, is in session.cpp for every test program.

// main() of a test program. Where tests would run and why_not returns a reason, that is printed and nothing runs.
int run_tests(int count, char** words, const char* (*why_not)() = nullptr);
