#pragma once
// A line of somebody's source: what every report of the emulator points at.
//
// A function that takes `Place at = Place::here()` as its last parameter learns the line it was called from, so the words
// of CUDA (`__syncthreads()`, `__shfl_sync(…)`) know where they stand without being macros.
#include <cstring>
#include <string>

namespace gradus::emulator {

struct Place {
    const char* file = "";
    int line = 0;

    static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
    bool operator==(const Place& other) const {
        return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
    }
    std::string text() const { return std::string(file) + ":" + std::to_string(line); }
};

}  // namespace gradus::emulator
