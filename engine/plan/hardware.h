#pragma once
// Known devices with their manufacturers' figures, for plans.
//
// A node is a machine whose devices are joined by NVLink; each has its own network card. All rates are per device, in
// one direction. Peaks are dense: without the factor two that data sheets add for sparse matrices.
#include <span>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace gradus {

struct Device {
    const char* name;
    double memory_gib;                                // as the driver reports it; 0: this machine's
    double bf16_tflops, f32_tflops;                   // f32 without tensor cores; 0: unknown, so no time is estimated
    double memory_gbs;                                // GB/s
    double nvlink_gbs, network_gbs;                   // GB/s
    int node;                                         // devices in a node
    double context_gib;                               // used before the first tensor: driver, libraries
    size_t matmul_workspace = cuda_matmul_workspace;  // Ops::matmul_workspace
    int64_t logit_rows = cuda_logit_rows;             // Ops::logit_rows
    const char* source;                               // of the figures

    bool is_cpu() const { return memory_gib == 0; }
};

std::span<const Device> known_devices();

inline constexpr int most_devices = 1 << 20;

struct Devices {
    Device device;
    int count = 0;  // 0: as many as the mesh has
};

// "8xH100", "H100". Error lists the known devices, and similar names.
Devices parse_devices(const std::string& text);

}  // namespace gradus
