#pragma once
// A token with its place in the piece that it represents.
#include <cstdint>
#include <vector>

namespace gradus {

struct ModelToken {
    int32_t id;
    uint32_t begin, end;  // bytes of the piece
    bool operator==(const ModelToken&) const = default;
};

inline void append_ids(const std::vector<ModelToken>& tokens, std::vector<int32_t>& out) {
    for (const ModelToken& token : tokens) out.push_back(token.id);
}

}  // namespace gradus
