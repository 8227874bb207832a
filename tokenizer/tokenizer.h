#pragma once
// Converts text to token ids and back.
//
//   const Tokenizer tokenizer = Tokenizer::load("runs/shakespeare");     // a folder with tokenizer.json, or the file
//   std::vector<int32_t> ids = tokenizer.encode("To be, or not to be");
//   std::string text = tokenizer.decode(ids);                            // the same bytes
//
// Two kinds: byte-level BPE with a well-known pattern (scan/scan.h), for arbitrary bytes, with decode(encode(x)) == x; and characters, for
// UTF-8 whose characters are all in the vocabulary, with the same guarantee. Ids are 0..vocab_size()-1.
//
// encode() never produces special tokens: "<|endoftext|>" in a document is thirteen ordinary characters, so a document
// cannot fake the end of another. Only encode_with_specials() recognises them, for text from a trusted source. Added
// tokens that are not special are always recognised. No function adds what a file's post-processor puts before a text
// (TokenizerParts::opening): in a stream, one end-of-text separates two documents.
//
// A Tokenizer is a handle to an immutable object: copying is cheap, and any thread may call any member. Files: Hugging
// Face's tokenizer.json (tokenizer_json.h describes the supported part), or GPT-2's vocab.json + merges.txt.
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
    // From tokenizer.json, or from a folder with it or else with vocab.json and merges.txt. The Error names the file
    // and the part of it that cannot be read.
    static Tokenizer load(const fs::path& file_or_folder);
    // From the text of a tokenizer.json; errors use `name` as the file's name.
    static Tokenizer parse(std::string_view json, const std::string& name);
    // From GPT-2's two files and, in the folder of the first, added_tokens.json, special_tokens_map.json and
    // tokenizer_config.json if they exist.
    static Tokenizer from_vocab_and_merges(const fs::path& vocab_json, const fs::path& merges_txt);
    // From consistent parts; called by trainers and loaders.
    explicit Tokenizer(TokenizerParts parts);

    // Writes tokenizer.json in the format of Hugging Face tokenizers, atomically.
    void save(const fs::path& tokenizer_json) const;
    std::string to_json() const;

    TokenizerKind kind() const;
    int32_t vocab_size() const;

    // Byte-level BPE accepts any bytes (Error: hundreds of megabytes without a break); for characters the Error names
    // the unknown one and its offset.
    std::vector<int32_t> encode(std::string_view text) const;
    void encode_append(std::string_view text, std::vector<int32_t>& ids) const;
    // Special tokens in the text become their ids; if several match, the leftmost, then the longest.
    std::vector<int32_t> encode_with_specials(std::string_view text) const;

    // The concatenated bytes of the tokens; special tokens give their text. These may be incomplete characters at the
    // ends: see StreamDecoder. Error if an id is outside the vocabulary.
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
