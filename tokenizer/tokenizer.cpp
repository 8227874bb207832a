// The handle: one immutable state with the parts and the model that uses them.
#include "tokenizer/tokenizer.h"

#include "engine/base/error.h"
#include "tokenizer/byte_bpe.h"
#include "tokenizer/character_model.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/vocab_merges.h"

namespace gradus {

struct Tokenizer::State {
    explicit State(TokenizerParts given) : parts(std::move(given)) {
        switch (parts.kind) {
            case TokenizerKind::byte_level_bpe: byte_bpe = std::make_unique<const ByteBpe>(parts); break;
            case TokenizerKind::characters:
                characters = std::make_unique<const CharacterModel>(parts.vocabulary);
                break;
        }
    }

    void encode_plain(std::string_view text, std::vector<int32_t>& ids) const {
        if (byte_bpe) byte_bpe->encode(text, ids);
        else characters->encode(text, ids);
    }

    void encode(std::string_view text, std::vector<int32_t>& ids, Vocabulary::Wanted wanted) const {
        size_t at = 0;
        if (parts.vocabulary.has_added() || wanted == Vocabulary::Wanted::added_and_special)
            while (const auto found = parts.vocabulary.find(text, at, wanted)) {
                encode_plain(text.substr(at, found->at - at), ids);
                ids.push_back(found->id);
                at = found->at + found->length;
            }
        encode_plain(text.substr(at), ids);
    }

    void check_id(int32_t id) const {
        const int32_t size = parts.vocabulary.size();
        if (id < 0 || id >= size)
            throw Error("token id " + std::to_string(id) + " is outside the vocabulary",
                        "this tokenizer has ids 0 to " + std::to_string(size - 1),
                        "use the tokenizer that the ids were made with");
    }

    TokenizerParts parts;
    std::unique_ptr<const ByteBpe> byte_bpe;  // one of the two
    std::unique_ptr<const CharacterModel> characters;
};

Tokenizer::Tokenizer(TokenizerParts parts) : state_(std::make_shared<const State>(std::move(parts))) {}

Tokenizer Tokenizer::parse(std::string_view json, const std::string& name) {
    return Tokenizer(parse_tokenizer_json(json, name));
}

Tokenizer Tokenizer::from_vocab_and_merges(const fs::path& vocab_json, const fs::path& merges_txt) {
    return Tokenizer(read_vocab_and_merges(vocab_json, merges_txt));
}

Tokenizer Tokenizer::load(const fs::path& file_or_folder) {
    std::error_code ignored;
    if (!fs::exists(file_or_folder, ignored))
        throw Error(
            "there is no tokenizer '" + file_or_folder.string() + "'", "no such file or folder",
            "name a tokenizer.json or a folder that has one, or train one: gradus tokenizer train TEXTS --out DIR");
    if (!fs::is_directory(file_or_folder, ignored)) return parse(read_file(file_or_folder), file_or_folder.string());
    const fs::path json = file_or_folder / "tokenizer.json";
    const fs::path vocab = file_or_folder / "vocab.json", merges = file_or_folder / "merges.txt";
    if (fs::exists(json, ignored)) return parse(read_file(json), json.string());
    if (fs::exists(vocab, ignored) && fs::exists(merges, ignored)) return from_vocab_and_merges(vocab, merges);
    if (fs::exists(file_or_folder / "tokenizer.model", ignored))
        throw Error("the tokenizer in '" + file_or_folder.string() + "' is not supported",
                    "tokenizer.model is a SentencePiece file, as in LLaMA 2; byte-level BPE with the patterns of "
                    "GPT-2, GPT-4 and Qwen2 is supported",
                    other_tokenizers);
    throw Error("there is no tokenizer in '" + file_or_folder.string() + "'",
                "the folder has neither tokenizer.json nor vocab.json and merges.txt",
                "copy the tokenizer.json of the model there, or train one: gradus tokenizer train");
}

std::string Tokenizer::to_json() const { return write_tokenizer_json(state_->parts); }
void Tokenizer::save(const fs::path& tokenizer_json) const { write_file_atomically(tokenizer_json, to_json()); }

TokenizerKind Tokenizer::kind() const { return state_->parts.kind; }
int32_t Tokenizer::vocab_size() const { return state_->parts.vocabulary.size(); }
const TokenizerParts& Tokenizer::parts() const { return state_->parts; }

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
    std::vector<int32_t> ids;
    encode_append(text, ids);
    return ids;
}

void Tokenizer::encode_append(std::string_view text, std::vector<int32_t>& ids) const {
    state_->encode(text, ids, Vocabulary::Wanted::added);
}

std::vector<int32_t> Tokenizer::encode_with_specials(std::string_view text) const {
    std::vector<int32_t> ids;
    state_->encode(text, ids, Vocabulary::Wanted::added_and_special);
    return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
    std::string text;
    decode_append(ids, text);
    return text;
}

void Tokenizer::decode_append(std::span<const int32_t> ids, std::string& text) const {
    size_t bytes = 0;
    for (const int32_t id : ids) bytes += bytes_of(id).size();
    const size_t before = text.size();
    text.resize(before + bytes + Vocabulary::padding);
    char* out = text.data() + before;
    for (const int32_t id : ids) out = state_->parts.vocabulary.copy_bytes_of(id, out);
    text.resize(before + bytes);
}

std::string_view Tokenizer::bytes_of(int32_t id) const {
    state_->check_id(id);
    return state_->parts.vocabulary.bytes_of(id);
}

bool Tokenizer::is_special(int32_t id) const {
    state_->check_id(id);
    return state_->parts.vocabulary.is_special(id);
}

std::optional<int32_t> Tokenizer::id_of(std::string_view special) const {
    return state_->parts.vocabulary.special_id(special);
}

std::optional<int32_t> Tokenizer::end_of_text() const { return id_of(end_of_text_token); }

const std::map<std::string, int32_t, std::less<>>& Tokenizer::specials() const {
    return state_->parts.vocabulary.specials();
}

}  // namespace gradus
