// Base64: three bytes are four letters.
#include "tokenizer/files/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gradus {

namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> values = [] {
    std::array<int8_t, 256> table{};
    table.fill(-1);
    for (size_t i = 0; i < letters.size(); ++i) table[uint8_t(letters[i])] = int8_t(i);
    return table;
}();

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t size = std::min<size_t>(3, bytes.size() - i);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < size ? uint8_t(bytes[i + k]) : 0);
        for (size_t k = 0; k < 4; ++k) out += k <= size ? letters[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string out;
    for (size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        const size_t padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; ++k) {
            const int value = k < 4 - padding ? values[uint8_t(text[i + k])] : 0;
            if (value < 0) return std::nullopt;
            group = group << 6 | uint32_t(value);
        }
        if ((group & ((uint32_t(1) << (8 * padding)) - 1)) != 0) return std::nullopt;  // bits that nothing reads
        for (size_t k = 0; k < 3 - padding; ++k) out += char(group >> (16 - 8 * k));
    }
    return out;
}

}  // namespace gradus
