#include "kernels/simt/host_buffer.h"

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

// Protected by the device's mutex, as all queues are.
std::vector<const HostBuffer*>& queued() {
    static auto* const all = new std::vector<const HostBuffer*>;  // never destroyed: static objects may still copy
    return *all;
}

// FNV over eight bytes at a time, with the high bits mixed into the low ones.
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

HostBuffer::HostBuffer(Role role, const void* host, size_t bytes, const void* caller)
    : role_(role),
      host_(static_cast<char*>(const_cast<void*>(host))),
      bytes_(bytes),
      caller_(caller),
      checked_(bytes > 0) {
    const TsanIgnore ignore;
    for (const HostBuffer* other : queued()) checked_ = checked_ && !overlaps(*other);
    queued().push_back(this);
    if (!checked_) return;
    if (role == Role::source) {
        checksum_ = checksum_of(host_, bytes_);
    } else {
        std::memset(host_, poison, bytes_);
        asan_poison(host_, bytes_);
    }
}

HostBuffer::~HostBuffer() {
    const TsanIgnore ignore;
    std::erase(queued(), this);
    if (role_ == Role::destination && checked_) asan_unpoison(host_, bytes_);
}

void HostBuffer::begin() const {
    if (role_ == Role::destination && checked_) asan_unpoison(host_, bytes_);
}

void HostBuffer::check() const {
    const TsanIgnore ignore;
    if (!checked_) return;
    const bool reads = role_ == Role::source;
    const bool same =
        reads ? checksum_of(host_, bytes_) == checksum_
              : std::all_of(host_, host_ + bytes_, [](char c) { return static_cast<unsigned char>(c) == poison; });
    if (same) return;
    throw simt::Fault(
        (reads ? "copy_to_device of " : "copy_to_host of ") + std::to_string(bytes_) + " bytes, queued by " +
        function_name(caller_) +
        ": the host wrote to its host memory before the copy ran. Leave that memory alone until synchronise(), "
        "or until an event recorded after the copy is reached");
}

}  // namespace gradus::emulator
