#include "tools/align/same_tokenizer.h"

#include <fmt/format.h>

#include "engine/base/error.h"

namespace gradus {

void require_same_tokenizer(const Tokenizer& own, const fs::path& folder, const std::string& what,
                            const std::string& fix) {
    const fs::path json = folder / "tokenizer.json";
    const Tokenizer other = Tokenizer::parse(read_file(json), json.string());
    if (own.vocab_size() != other.vocab_size())
        throw Error(
            what + " has another tokenizer",
            fmt::format("'{}' has {} tokens instead of {}", json.string(), other.vocab_size(), own.vocab_size()), fix);
    for (int32_t id = 0; id < own.vocab_size(); ++id)
        if (own.bytes_of(id) != other.bytes_of(id))
            throw Error(what + " has another tokenizer",
                        fmt::format("token {} of '{}' is another one", id, json.string()), fix);
}

}  // namespace gradus
