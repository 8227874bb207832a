#pragma once
// The allocations of the emulated GPU, and who may touch them now.
#include <cstddef>

namespace gradus::emulator {

// While one of these lives, device memory may be touched; otherwise AddressSanitizer reports it.
class OnDevice {
public:
    OnDevice();
    ~OnDevice();
    OnDevice(const OnDevice&) = delete;
    OnDevice& operator=(const OnDevice&) = delete;
};

void give_device_memory(void* memory, size_t bytes);

}  // namespace gradus::emulator
