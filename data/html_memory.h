#pragma once
// The memory for the nodes of a page: chunks that are freed at once. C code has no exceptions, so a C parser that
// exceeds its limit is left by a longjmp; nothing needs to be unwound, since everything it allocated is here.
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "data/html_tree.h"

namespace gradus {

struct HtmlTree::Memory {
    static constexpr size_t chunk_bytes = 256 << 10;

    std::vector<void*> chunks;
    char* free = nullptr;
    size_t left = 0, used = 0, limit = 0;
    std::jmp_buf out_of_memory;

    ~Memory() {
        for (void* chunk : chunks) std::free(chunk);
    }

    // nullptr if the page has reached its limit.
    void* take(size_t bytes) {
        bytes = (bytes + 15) / 16 * 16;
        if (bytes > left) {
            const size_t size = std::max(bytes, chunk_bytes);
            void* chunk = size > limit - used ? nullptr : std::malloc(size);
            if (!chunk) return nullptr;
            chunks.push_back(chunk);
            free = static_cast<char*>(chunk);
            left = size;
            used += size;
        }
        void* taken = free;
        free += bytes;
        left -= bytes;
        return taken;
    }

    void* take_or_jump(size_t bytes) {
        void* const taken = take(bytes);
        if (!taken) std::longjmp(out_of_memory, 1);
        return taken;
    }

    // A copy with a terminating NUL.
    const char* copy(std::string_view text) {
        char* const taken = static_cast<char*>(take(text.size() + 1));
        if (!taken) return nullptr;
        std::memcpy(taken, text.data(), text.size());
        taken[text.size()] = '\0';
        return taken;
    }
};

}  // namespace gradus
