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

void free_device_memory(void* memory, size_t bytes);

}  // namespace gradus::emulator
