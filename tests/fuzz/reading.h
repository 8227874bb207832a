#pragma once
// Shared by the targets that read models and tokenizers: an input as a file, and what every refusal must be.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/error.h"
#include "engine/base/file.h"
#include "tokenizer/unicode.h"

namespace gradus::fuzzing {

inline void require(bool holds) {
    if (!holds) std::abort();
}

// The input in a file of memory, the same one for every input.
inline fs::path as_file(const uint8_t* data, size_t size) {
    static const int file = ::memfd_create("input", 0);
    require(file >= 0 && ::ftruncate(file, off_t(size)) == 0 && ::pwrite(file, data, size, 0) == ssize_t(size));
    return "/proc/self/fd/" + std::to_string(file);
}

inline std::string as_text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// Three lines of UTF-8, none of them very long.
inline void check(const Error& e) {
    const std::string text = e.text();
    require(std::count(text.begin(), text.end(), '\n') == 2);
    require(replace_invalid_utf8(text) == text);
    require(text.size() < 2000 && !e.cause.empty() && !e.fix.empty());
}

}  // namespace gradus::fuzzing
