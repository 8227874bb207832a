#pragma once
// A source line, which every report of the emulator names.
//
// A function with the last parameter `Location at = Location::here()` receives its caller's line, so CUDA's functions
// (`__syncthreads()`, `__shfl_sync(…)`) need not be macros.
#include <cstring>
#include <string>

namespace gradus::emulator {

struct Location {
    const char* file = "";
    int line = 0;

    static constexpr Location here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
    bool operator==(const Location& other) const {
        return line == other.line && (file == other.file || std::strcmp(file, other.file) == 0);
    }
    std::string text() const { return std::string(file) + ":" + std::to_string(line); }
};

}  // namespace gradus::emulator
