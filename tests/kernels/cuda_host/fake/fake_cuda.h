#pragma once
// Controls the behaviour of the fake CUDA, and records its calls.
#include <set>
#include <string>
#include <vector>

#include <cublasLt.h>

namespace gradus::test {

struct FakeCuda {
    // cuBLASLt: the number of algorithms, which ones it rejects at the call or in the heuristic, the time of each, and the status of
    // a failing one.
    int offers = 8;
    std::set<int> rejects = {}, warns = {};
    std::vector<double> milliseconds = {8, 7, 6, 5, 4, 3, 2, 1};
    cublasStatus_t heuristics = CUBLAS_STATUS_SUCCESS, refusal = CUBLAS_STATUS_NOT_SUPPORTED;
    bool activates = true;                                 // has the epilogues of activations
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;  // in the last call of the heuristic
    int asked_for = 0;                                     // algorithms requested in the last call of the heuristic
    std::vector<int> ran;                                  // algorithms that ran, in their order
    cublasComputeType_t compute = CUBLAS_COMPUTE_32F;      // of the last operation described
    size_t version = 130100;

    // Streams and events, as created.
    int least_priority = 0, greatest_priority = -5;
    int priority = 0;
    unsigned stream_flags = 0, event_flags = 0;
    std::vector<cudaStream_t> used;  // by all work, in order

    // Graphs: the mode of the last capture, and the graphs and executable graphs that exist.
    cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;
    int graphs = 0, executables = 0;
    cudaError_t instantiation = cudaSuccess;

    double clock = 0;  // milliseconds of work done
};

int priority_of(cudaStream_t);
FakeCuda& fake();  // one per process; a test begins with fake() = {}

}  // namespace gradus::test
