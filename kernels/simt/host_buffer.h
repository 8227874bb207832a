#pragma once
// The host memory of a queued copy. Until the copy has run, the host must not write its source, nor read or write its
// destination.
//
// A source is compared by checksum with its contents at queueing time. A destination is filled with 0xFF (NaN) until the copy
// runs; AddressSanitizer reports every access to it, and a changed byte is a Fault. Where the host memory of two queued copies
// overlaps, stream order decides the result, and nothing is checked.
#include <cstddef>
#include <cstdint>
#include <memory>

namespace gradus::emulator {

class HostBuffer {
public:
    enum class Role { source, destination };

    // `caller`: an address in the function that queued the copy, which a Fault names.
    HostBuffer(Role role, const void* host, size_t bytes, const void* caller);
    ~HostBuffer();  // the copy has run, or was dropped
    HostBuffer(const HostBuffer&) = delete;
    HostBuffer& operator=(const HostBuffer&) = delete;

    void begin() const;  // the copy starts: AddressSanitizer allows access again
    void check() const;  // after begin(), before the bytes are copied. Fault: the host wrote to them since queueing

private:
    bool overlaps(const HostBuffer& other) const {
        return host_ < other.host_ + other.bytes_ && other.host_ < host_ + bytes_;
    }

    const Role role_;
    char* const host_;
    const size_t bytes_;
    const void* const caller_;
    bool checked_;
    uint64_t checksum_ = 0;
};

}  // namespace gradus::emulator
