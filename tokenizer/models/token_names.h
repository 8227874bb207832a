#pragma once
// What the models look up in the names of the tokens. The name of an id is UTF-8, or empty if the id has none; of equal
// names the last id counts, as in Hugging Face's tokenizers.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/models/double_array.h"

namespace gradus {

using TokenNames = std::vector<std::string>;

// All names and their ids. The strings must stay while the array is built, not longer.
DoubleArray ids_of_names(const TokenNames& names);

// The ids of <0x00> to <0xFF>; -1 where there is none.
std::array<int32_t, 256> ids_of_bytes(const DoubleArray& ids);

// Appends the tokens of all bytes of a text and returns true, or false if one of them has no token.
template <class Append>
bool append_byte_tokens(std::string_view text, const std::array<int32_t, 256>& ids, const Append& append) {
    for (const char byte : text)
        if (ids[uint8_t(byte)] < 0) return false;
    for (size_t i = 0; i < text.size(); ++i) append(ids[uint8_t(text[i])], i);
    return true;
}

// Throws: the text needs the unknown token, which the vocabulary lacks.
[[noreturn]] void no_unknown_token(const std::optional<std::string>& unknown, std::string_view text);

}  // namespace gradus
