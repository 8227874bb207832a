// Looking up tokens by name.
#include "tokenizer/models/token_names.h"

#include "engine/base/error.h"

namespace gradus {

DoubleArray ids_of_names(const TokenNames& names) {
    std::vector<DoubleArray::Entry> entries;
    entries.reserve(names.size());
    for (size_t id = 0; id < names.size(); ++id) entries.push_back({names[id], int32_t(id)});
    return DoubleArray(std::move(entries));
}

std::array<int32_t, 256> ids_of_bytes(const DoubleArray& ids) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::array<int32_t, 256> result;
    for (size_t byte = 0; byte < 256; ++byte)
        result[byte] = ids.find(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
    return result;
}

void no_unknown_token(const std::optional<std::string>& unknown, std::string_view text) {
    const std::string shown(text.substr(0, 40));
    throw Error("'" + shown + "' is not in the vocabulary",
                unknown ? "the unknown token '" + *unknown + "' is not in the vocabulary either"
                        : "the tokenizer has no unknown token",
                "add the unknown token to the tokenizer's vocabulary, or remove the text");
}

}  // namespace gradus
