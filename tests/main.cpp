#include "tests/session.h"

int main(int count, char** words) { return run_tests(count, words); }
