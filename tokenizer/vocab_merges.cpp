// Reading GPT-2's two files.
#include "tokenizer/vocab_merges.h"

#include "engine/base/error.h"
#include "tokenizer/json_text.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocabulary_file.h"

namespace gradus {

namespace {

void read_vocab(std::string_view text, const std::string& name, VocabularyFile& file) {
    const nlohmann::json vocab = parse_json(text, name);
    if (!vocab.is_object())
        throw Error("'" + name + "' is not a vocabulary", name + ": it must be an object of tokens and ids",
                    "copy vocab.json again from where it was made");
    for (const auto& [token, id] : vocab.items()) {
        if (!id.is_number_unsigned() || id.get<uint64_t>() > uint64_t(INT32_MAX))
            throw Error("'" + name + "' is not a vocabulary", name + ": the id of a token must be a number below 2^31",
                        "copy vocab.json again from where it was made");
        file.tokens.emplace_back(token, id.get<int64_t>());
        if (token == end_of_text_token) file.specials.emplace_back(token, id.get<int64_t>());
    }
}

void read_merges(std::string_view text, const std::string& name, VocabularyFile& file) {
    int line_number = 0;
    while (!text.empty()) {
        const size_t newline = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, newline);
        text.remove_prefix(std::min(newline + 1, text.size()));
        ++line_number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with("#version")) continue;
        const size_t space = line.find(' ');
        if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
            throw Error("a merge is not two tokens",
                        name + ":" + std::to_string(line_number) + ": a line is two tokens with one space between them",
                        "copy merges.txt again from where it was made");
        file.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
    }
}

}  // namespace

TokenizerParts parse_vocab_and_merges(std::string_view vocab_json, const std::string& vocab_name,
                                      std::string_view merges_txt, const std::string& merges_name) {
    VocabularyFile file;
    file.name = vocab_name + " and " + merges_name;
    read_vocab(vocab_json, vocab_name, file);
    read_merges(merges_txt, merges_name, file);
    return assemble_byte_level_bpe(file);
}

}  // namespace gradus
