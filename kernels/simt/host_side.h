#pragma once
// The host's bytes of a queued copy, which belong to its stream until it has been made: nobody writes what it is to read, and
// nobody reads or writes what it is to fill.
//
// Bytes to be read are compared by a checksum with what they were when the copy was queued. Bytes to be filled are 0xFF (NaN)
// until the copy comes, AddressSanitizer reports whoever touches them, and a byte that is another one then is a Fault. Where the
// host's bytes of two queued copies overlap, the order of their stream says what is right, and nothing is compared.
#include <cstddef>
#include <cstdint>
#include <memory>

namespace gradus::emulator {

class HostSide {
public:
    enum class Role { source, destination };

    // `caller`: an address in the function that queued the copy, which a Fault names.
    HostSide(Role role, const void* host, size_t bytes, const void* caller);
    ~HostSide();  // the copy has been made, or dropped
    HostSide(const HostSide&) = delete;
    HostSide& operator=(const HostSide&) = delete;

    void begin() const;  // AddressSanitizer lets the copy to its bytes
    void check() const;  // then, before it is made. Fault: somebody wrote these bytes since it was queued

private:
    bool overlaps(const HostSide& other) const {
        return host_ < other.host_ + other.bytes_ && other.host_ < host_ + bytes_;
    }

    const Role role_;
    char* const host_;
    const size_t bytes_;
    const void* const caller_;
    bool compared_;
    uint64_t checksum_ = 0;
};

}  // namespace gradus::emulator
