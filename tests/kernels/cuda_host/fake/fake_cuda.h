#pragma once
// What the tests ask of the fake CUDA, and what they see of it.
#include <set>
#include <string>
#include <vector>

#include <cublasLt.h>

namespace gradus::test {

struct FakeCuda {
    // cuBLASLt: how many algorithms it offers, which of them it refuses when they are to run, or are offered as such that it
    // refuses, how long each takes, and what it says of any that it fails.
    int offers = 8;
    std::set<int> refuses = {}, warns = {};
    std::vector<double> milliseconds = {8, 7, 6, 5, 4, 3, 2, 1};
    cublasStatus_t heuristics = CUBLAS_STATUS_SUCCESS, refusal = CUBLAS_STATUS_NOT_SUPPORTED;
    int asked_for = 0;     // algorithms, by the last question
    std::vector<int> ran;  // algorithms that ran, in their order
    size_t version = 130100;

    // Streams and events, as they were made.
    int least_priority = 0, greatest_priority = -5;
    int priority = 0;
    unsigned stream_flags = 0, event_flags = 0;
    std::vector<cudaStream_t> used;  // by work of any kind, in its order

    double clock = 0;  // milliseconds of work done
};

int priority_of(cudaStream_t);
FakeCuda& fake();  // one for the process; a test begins with fake() = {}

}  // namespace gradus::test
