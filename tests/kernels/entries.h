#pragma once
// Whether a table has a function for each of its entries.
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "kernels/ops.h"

namespace gradus::test {

// The numbers of the pointers that are null, in the order of kernels/ops.h; empty where the table is complete.
inline std::string missing_entries(const Ops& ops) {
    void* entries[offsetof(Ops, matmul_workspace) / sizeof(void*)];  // all fields before it are pointers
    std::memcpy(entries, &ops, sizeof entries);
    std::string missing;
    for (size_t i = 0; i < std::size(entries); ++i)
        if (!entries[i]) missing += (missing.empty() ? "" : ", ") + std::to_string(i);
    return missing;
}

}  // namespace gradus::test
