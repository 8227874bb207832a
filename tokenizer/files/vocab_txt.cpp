// Reading and writing vocab.txt.
#include "tokenizer/files/vocab_txt.h"

#include <algorithm>

#include "engine/base/error.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr size_t most_tokens = (size_t(1) << 28) - 2;

[[noreturn]] void refuse_token(const std::string& name, size_t line, const std::string& why) {
    throw Error("'" + name + "' is not a vocabulary", name + ":" + std::to_string(line) + ": " + why,
                "copy vocab.txt again from its source: a token a line, in UTF-8");
}

}  // namespace

std::vector<std::string> parse_vocab_txt(std::string_view text, const std::string& name) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const size_t newline = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, newline);
        text.remove_prefix(std::min(newline + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (names.size() == most_tokens) refuse_token(name, names.size() + 1, "there are more than 2^28 tokens");
        if (!is_utf8(line)) refuse_token(name, names.size() + 1, "the token is not UTF-8");
        names.emplace_back(line);
    }
    if (std::all_of(names.begin(), names.end(), [](const std::string& token) { return token.empty(); }))
        refuse_token(name, 1, "there is no token");
    return names;
}

std::vector<std::string> read_vocab_txt(const fs::path& path) {
    const MappedFile file(path);
    return parse_vocab_txt(file.text(), path.string());
}

std::string write_vocab_txt(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& token : names) {
        if (token.find_first_of("\r\n") != std::string::npos)
            throw Error("the token '" + token + "' has a line break", "a line of vocab.txt is a token",
                        "write a tokenizer.json instead");
        out += token + "\n";
    }
    return out;
}

}  // namespace gradus
