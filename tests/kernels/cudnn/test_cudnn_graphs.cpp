// cuDNN recognises our graphs, for GPUs that are described to it: its heuristics propose engines for them, which then ask for the
// driver. An engine may still refuse a shape after that; tests/kernels/cuda/ runs the graphs where there is a GPU.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "kernels/cuda/host/cudnn/graphs.h"

using namespace gradus;
using namespace gradus::cuda;

namespace {

// A GPU of this compute capability, as cuDNN describes one.
CudnnDescriptor device(int capability) {
    struct Card {
        int multiprocessors, shared;
    };
    const Card card = capability == 80 ? Card{108, 166912} : capability == 90 ? Card{132, 232448} : Card{148, 232448};
    const std::string text = fmt::format(
        R"({{"deviceVer":{},"driverVer":13000,"cudaDeviceId":0,"maxGridSize":[2147483647,65535,65535],)"
        R"("maxBlockSize":[1024,1024,64],"regsPerBlock":65536,"multiProcessorCount":{},"warpSize":32,)"
        R"("maxSharedMemoryPerBlock":49152,"maxSharedMemoryPerBlockOptin":{},"reservedSharedMemoryPerBlock":1024,)"
        R"("maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,)"
        R"("pciDeviceId":0,"isTccDriver":0,"supportCoopLaunch":1,"smClockRateKHz":1980000,"memClockRateKHz":2619000,)"
        R"("l2CacheSize":52428800,"totalGlobalMem":80000000000,"deviceName":"a GPU of a test"}})",
        10 * capability, card.multiprocessors, card.shared);
    std::vector<char> json(text.begin(), text.end());
    json.push_back(0);
    CudnnDescriptor d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    d.set_list(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, json).finalize();
    return d;
}

template <class Graph, class Shape>
bool is_planned(const Shape& shape, int capability) {
    const CudnnPlan plan(Graph(shape).graph, device(capability));
    // An engine that accepts a graph then asks for the driver.
    return plan.exists() || plan.reasons().find("RUNTIME_PREREQUISITE_MISSING") != std::string::npos;
}

CudnnAttention attention(int64_t B, int64_t T, int64_t H, int64_t G, int64_t D) {
    const int64_t row = (H + 2 * G) * D;
    return {B, T, H, G, D, row, row, row, row, row, row};
}

}  // namespace

TEST_CASE("cuDNN has an engine for causal attention, forward and backward, with one and with several heads a group") {
    for (const int capability : {80, 90, 100})
        for (const CudnnAttention& a : {attention(32, 1024, 12, 12, 64), attention(1, 8192, 32, 8, 128)}) {
            INFO("capability " << capability << ", heads " << a.H);
            REQUIRE(is_planned<CudnnAttentionForward>(a, capability));
            REQUIRE(is_planned<CudnnAttentionBackward>(a, capability));
        }
}

TEST_CASE("cuDNN has an engine for layernorm and rmsnorm, forward and backward") {
    for (const int capability : {80, 90, 100})
        for (const bool centred : {false, true})
            for (const int64_t C : {768, 4096}) {
                INFO("capability " << capability << ", width " << C << (centred ? ", layernorm" : ", rmsnorm"));
                REQUIRE(is_planned<CudnnNormForward>(CudnnNorm{8192, C, centred}, capability));
                REQUIRE(is_planned<CudnnNormBackward>(CudnnNorm{8192, C, centred}, capability));
            }
}
