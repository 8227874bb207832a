#pragma once
// Text to token ids and back.
//
//   const Tokenizer tokenizer = Tokenizer::load("runs/shakespeare");     // a folder with tokenizer.json, or the file
//   std::vector<int32_t> ids = tokenizer.encode("To be, or not to be");
//   std::string text = tokenizer.decode(ids);                            // the same bytes again
//
// Two kinds: byte-level BPE with GPT-2's pattern, for any bytes at all, with decode(encode(x)) == x; and characters,
// for UTF-8 made of the characters of the vocabulary, with the same promise. Ids are 0..vocab_size()-1.
//
// Special tokens are never read out of text by encode(): "<|endoftext|>" in a document is thirteen ordinary
// characters, so a document cannot forge the end of another. Only encode_with_specials() reads them, for text that we
// wrote ourselves. Added tokens that are not special are read everywhere. What a file puts before every text
// (TokenizerParts::opening) no function here adds: documents stand one after another with one end-of-text between them.
//
// A Tokenizer is a handle to something that never changes: copying is cheap, and all members may be called from many
// threads at once. Files: Hugging Face's tokenizer.json (tokenizer_json.h says which), or GPT-2's vocab.json +
// merges.txt.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"
#include "tokenizer/tokenizer_parts.h"

namespace gradus {

class Tokenizer {
public:
    // From tokenizer.json, or from a folder that has it or else vocab.json and merges.txt. Error names the file and
    // what in it cannot be read.
    static Tokenizer load(const fs::path& file_or_folder);
    // From the text of a tokenizer.json; `name` stands for the file in errors.
    static Tokenizer parse(std::string_view json, const std::string& name);
    // From the two files of GPT-2 and, in the folder of the first, added_tokens.json, special_tokens_map.json and
    // tokenizer_config.json where they are there.
    static Tokenizer from_vocab_and_merges(const fs::path& vocab_json, const fs::path& merges_txt);
    // From parts that hold together: what trainers and loaders call.
    explicit Tokenizer(TokenizerParts parts);

    // Writes tokenizer.json as Hugging Face tokenizers reads it, whole or not at all.
    void save(const fs::path& tokenizer_json) const;
    std::string to_json() const;

    TokenizerKind kind() const;
    int32_t vocab_size() const;

    // Byte-level BPE takes any bytes (Error: hundreds of megabytes without a break); characters throw an Error that names
    // the unknown one and its offset.
    std::vector<int32_t> encode(std::string_view text) const;
    void encode_append(std::string_view text, std::vector<int32_t>& ids) const;
    // Special tokens in the text become their ids; where several fit, the leftmost and then the longest.
    std::vector<int32_t> encode_with_specials(std::string_view text) const;

    // The bytes of the tokens, one after the other; special tokens give their text. These are whole characters only if
    // the ids are: see StreamDecoder. Error names an id outside the vocabulary.
    std::string decode(std::span<const int32_t> ids) const;
    void decode_append(std::span<const int32_t> ids, std::string& text) const;
    std::string_view bytes_of(int32_t id) const;  // Error as above

    bool is_special(int32_t id) const;  // Error as above
    std::optional<int32_t> id_of(std::string_view special) const;
    std::optional<int32_t> end_of_text() const;  // id_of("<|endoftext|>")
    const std::map<std::string, int32_t, std::less<>>& specials() const;

    const TokenizerParts& parts() const;

private:
    struct State;
    std::shared_ptr<const State> state_;
};

// The special token that ends a document.
inline constexpr std::string_view end_of_text_token = "<|endoftext|>";

}  // namespace gradus
