#pragma once
// Access to the allocations of the emulated GPU.
#include <cstddef>

namespace gradus::emulator {

// While one of these exists, device memory may be accessed; otherwise AddressSanitizer reports the access.
class DeviceAccess {
public:
    DeviceAccess();
    ~DeviceAccess();
    DeviceAccess(const DeviceAccess&) = delete;
    DeviceAccess& operator=(const DeviceAccess&) = delete;
};

struct Allocation {
    const void* memory = nullptr;
    size_t bytes = 0;
};
Allocation allocation_of(const void* address);  // empty: not device memory

void free_device_memory(void* memory, size_t bytes);

}  // namespace gradus::emulator
