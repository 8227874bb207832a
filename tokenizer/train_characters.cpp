// A character vocabulary from a corpus.
#include "tokenizer/train_characters.h"

#include "engine/base/error.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

void mark_characters(std::string_view text, uint64_t number, std::vector<bool>& seen) {
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end;) {
        const Utf8Char next = decode_utf8(at, end);
        if (!next.valid)
            throw Error("text " + std::to_string(number) + " is not UTF-8",
                        "its byte at offset " + std::to_string(at - text.data()) + " is not valid there",
                        "convert the text to UTF-8, or train a byte-level BPE tokenizer, which takes any bytes");
        seen[next.code] = true;
        at += next.length;
    }
}

}  // namespace

Tokenizer train_characters(const TextSource& next, const CharacterTraining& training) {
    std::vector<bool> seen(0x110000, false);
    std::string text;
    uint64_t texts = 0;
    while (next(text)) {
        mark_characters(text, ++texts, seen);
        text.clear();
    }
    std::vector<std::string> tokens;
    for (char32_t code = 0; code < seen.size(); ++code)
        if (seen[code]) append_utf8(tokens.emplace_back(), code);
    if (tokens.empty())
        throw Error(
            "there is no text to make a vocabulary from",
            texts == 1 ? "1 text was read, and it is empty" : std::to_string(texts) + " texts were read, all empty",
            "check the input files");
    std::vector<int32_t> specials;
    if (training.end_of_text) {
        specials.push_back(int32_t(tokens.size()));
        tokens.emplace_back(end_of_text_token);
    }
    TokenizerParts parts;
    parts.kind = TokenizerKind::characters;
    parts.vocabulary = Vocabulary(tokens, specials);
    parts.opening = specials;
    return Tokenizer(std::move(parts));
}

}  // namespace gradus
