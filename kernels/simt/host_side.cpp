#include "kernels/simt/host_side.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/fnv.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/machine.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr unsigned char poison = 0xFF;

// Guarded by the lock of the device, as all queues are.
std::vector<const HostSide*>& queued() {
    static auto* const all = new std::vector<const HostSide*>;  // what lives to the end of the program may still copy
    return *all;
}

// FNV's step with eight bytes at a time, and its high bits mixed into the low ones.
uint64_t checksum_of(const char* bytes, size_t count) {
    uint64_t sum = fnv_start;
    for (size_t at = 0; at < count; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        std::memcpy(&word, bytes + at, std::min(sizeof word, count - at));
        sum = fnv_step(sum, word);
        sum ^= sum >> 32;
    }
    return sum;
}

}  // namespace

HostSide::HostSide(Role role, const void* host, size_t bytes, const void* caller)
    : role_(role),
      host_(static_cast<char*>(const_cast<void*>(host))),
      bytes_(bytes),
      caller_(caller),
      compared_(bytes > 0) {
    const Hidden hidden;
    for (const HostSide* other : queued()) compared_ = compared_ && !overlaps(*other);
    queued().push_back(this);
    if (!compared_) return;
    if (role == Role::source) {
        checksum_ = checksum_of(host_, bytes_);
    } else {
        std::memset(host_, poison, bytes_);
        forbid(host_, bytes_);
    }
}

HostSide::~HostSide() {
    const Hidden hidden;
    std::erase(queued(), this);
    if (role_ == Role::destination && compared_) allow(host_, bytes_);
}

void HostSide::begin() const {
    if (role_ == Role::destination && compared_) allow(host_, bytes_);
}

void HostSide::check() const {
    const Hidden hidden;
    if (!compared_) return;
    const bool reads = role_ == Role::source;
    const bool same =
        reads ? checksum_of(host_, bytes_) == checksum_
              : std::all_of(host_, host_ + bytes_, [](char c) { return static_cast<unsigned char>(c) == poison; });
    if (same) return;
    throw simt::Fault((reads ? "copy_to_device of " : "copy_to_host of ") + std::to_string(bytes_) +
                      " bytes, queued by " + function_name(caller_) +
                      ": the host wrote its bytes before the copy was made. They belong to the stream until "
                      "synchronise() or an event says that it has come so far");
}

}  // namespace gradus::emulator
