// Characters as a model.
#include "tokenizer/character_model.h"

#include "engine/base/error.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

// A character in a message: itself if it is printable, and always its code point.
std::string shown(std::string_view bytes, char32_t code) {
    const bool visible = code > 0x20 && code != 0x7F && char_class(code) != CharClass::space;
    return visible ? "'" + std::string(bytes) + "' (" + code_point_name(code) + ")" : code_point_name(code);
}

[[noreturn]] void refuse_bytes(uint8_t byte, size_t offset) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "0x%02X", unsigned(byte));
    throw Error("the text is not UTF-8",
                "byte " + std::string(hex) + " at offset " + std::to_string(offset) + " is not valid there",
                "convert the text to UTF-8, or use a byte-level BPE tokenizer, which takes any bytes");
}

}  // namespace

CharacterModel::CharacterModel(const Vocabulary& vocabulary) {
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
        if (vocabulary.is_special(id) || vocabulary.is_added(id)) continue;
        const std::string_view bytes = vocabulary.bytes_of(id);
        CHECK(!bytes.empty());
        const Utf8Char character = decode_utf8(bytes.data(), bytes.data() + bytes.size());
        CHECK(character.valid && size_t(character.length) == bytes.size(), std::string(bytes));
        if (character.code >= id_of_code_.size()) id_of_code_.resize(character.code + 1, -1);
        id_of_code_[character.code] = id;
    }
}

void CharacterModel::encode(std::string_view text, std::vector<int32_t>& out) const {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    for (const char* at = begin; at < end;) {
        const Utf8Char next = decode_utf8(at, end);
        const size_t offset = size_t(at - begin);
        if (!next.valid) refuse_bytes(uint8_t(*at), offset);
        const int32_t id = next.code < id_of_code_.size() ? id_of_code_[next.code] : -1;
        if (id < 0)
            throw Error("character " + shown({at, size_t(next.length)}, next.code) + " is not in the vocabulary",
                        "it is at byte " + std::to_string(offset) + " of the text; the text that this vocabulary was " +
                            "made from does not have it",
                        "make the vocabulary from a text that has it, or use a byte-level BPE tokenizer");
        out.push_back(id);
        at += next.length;
    }
}

}  // namespace gradus
