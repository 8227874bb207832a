#pragma once
// Checks that a backend's table is complete.
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "kernels/ops.h"

namespace gradus::test {

// The indices of null pointers, in the order of kernels/ops.h; empty if the table is complete.
inline std::string missing_entries(const Ops& ops) {
    void* entries[offsetof(Ops, begin_capture) / sizeof(void*)];  // all fields before it are pointers, and required
    std::memcpy(entries, &ops, sizeof entries);
    std::string missing;
    for (size_t i = 0; i < std::size(entries); ++i)
        if (!entries[i]) missing += (missing.empty() ? "" : ", ") + std::to_string(i);
    return missing;
}

}  // namespace gradus::test
