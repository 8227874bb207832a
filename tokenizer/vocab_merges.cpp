// Reading GPT-2's two files.
#include "tokenizer/vocab_merges.h"

#include <charconv>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "tokenizer/json_text.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/vocabulary_file.h"

namespace gradus {

namespace {

using nlohmann::json;

void read_vocab(std::string_view text, const std::string& name, VocabularyFile& file) {
    const nlohmann::json vocab = parse_json(text, name);
    if (!vocab.is_object())
        throw Error("'" + name + "' is not a vocabulary", name + ": it must be an object of tokens and ids",
                    "copy vocab.json again from its source");
    for (const auto& [token, id] : vocab.items()) {
        if (!id.is_number_unsigned() || id.get<uint64_t>() > uint64_t(INT32_MAX))
            throw Error("'" + name + "' is not a vocabulary", name + ": the id of a token must be a number below 2^31",
                        "copy vocab.json again from its source");
        file.tokens.emplace_back(token, id.get<int64_t>());
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
                        "copy merges.txt again from its source");
        file.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
    }
}

class Companions {
public:
    explicit Companions(const fs::path& folder)
        : folder_(folder),
          added_(read("added_tokens.json")),
          map_(read("special_tokens_map.json")),
          config_(read("tokenizer_config.json")) {}

    void join(VocabularyFile& file) const {
        if (flag(config_, "add_prefix_space"))
            throw Error("the tokenizer's option 'add_prefix_space' is not supported",
                        place("tokenizer_config.json") + ": add_prefix_space is true", other_tokenizers);
        std::map<std::string, int64_t> ids(added_ids());
        std::set<std::string> special = special_texts();
        special.insert(std::string(end_of_text_token));
        for (const auto& [text, id] : file.tokens)
            if (special.count(text)) ids.emplace(text, id);
        for (const auto& [text, id] : ids) (special.count(text) ? file.specials : file.added).emplace_back(text, id);
    }

    // The token that opens a text; empty if there is none.
    std::string opening() const { return flag(config_, "add_bos_token") ? text_of(config_, "bos_token") : ""; }

private:
    std::string place(const char* name) const { return (folder_ / name).string(); }

    json read(const char* name) const {
        std::error_code ignored;
        if (!fs::is_regular_file(folder_ / name, ignored)) return json::object();
        json value = parse_json(read_file(folder_ / name), place(name));
        if (!value.is_object()) wrong(name, "it must be an object");
        return value;
    }

    [[noreturn]] void wrong(const char* name, const std::string& problem) const {
        throw Error("'" + place(name) + "' cannot be read", place(name) + ": " + problem,
                    "copy " + std::string(name) + " again from its source");
    }

    static bool flag(const json& object, const char* key) {
        const auto found = object.find(key);
        return found != object.end() && found->is_boolean() && found->get<bool>();
    }

    // A token as a text, or as an object with "content".
    static std::string content(const json& token) {
        const json& text = token.is_object() && token.contains("content") ? token["content"] : token;
        return text.is_string() ? text.get<std::string>() : "";
    }
    static std::string text_of(const json& object, const char* key) {
        const auto found = object.find(key);
        return found == object.end() ? "" : content(*found);
    }

    std::map<std::string, int64_t> added_ids() const {
        std::map<std::string, int64_t> ids;
        for (const auto& [text, id] : added_.items()) {
            if (!id.is_number_unsigned() || id.get<uint64_t>() > uint64_t(INT32_MAX))
                wrong("added_tokens.json", "the id of a token must be a number below 2^31");
            ids[text] = id.get<int64_t>();
        }
        for_each_decoded([&](const std::string& text, int64_t id, const json&) {
            if (const auto [at, is_new] = ids.emplace(text, id); !is_new && at->second != id)
                wrong("tokenizer_config.json", "added_tokens_decoder and added_tokens.json give a token two ids");
        });
        return ids;
    }

    template <class Visit>
    void for_each_decoded(const Visit& visit) const {
        const char* file = "tokenizer_config.json";
        const auto decoder = config_.find("added_tokens_decoder");
        if (decoder == config_.end() || decoder->is_null()) return;
        if (!decoder->is_object()) wrong(file, "added_tokens_decoder must be an object");
        for (const auto& [key, token] : decoder->items()) {
            int32_t id = 0;
            const auto [end, problem] = std::from_chars(key.data(), key.data() + key.size(), id);
            if (problem != std::errc() || end != key.data() + key.size() || id < 0 || content(token).empty())
                wrong(file, "added_tokens_decoder must have ids and tokens with a content");
            for (const char* option : {"single_word", "lstrip", "rstrip"})
                if (flag(token, option))
                    throw Error("an added token's option '" + std::string(option) + "' is not supported",
                                place(file) + ": added_tokens_decoder says so of id " + key, other_tokenizers);
            visit(content(token), id, token);
        }
    }

    std::set<std::string> special_texts() const {
        std::set<std::string> texts;
        for (const json* object : {&map_, &config_}) {
            for (const char* key :
                 {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
                texts.insert(text_of(*object, key));
            for (const char* key : {"additional_special_tokens", "extra_special_tokens"})
                if (const auto more = object->find(key);
                    more != object->end() && (more->is_array() || more->is_object()))
                    for (const json& token : *more) texts.insert(content(token));
        }
        for_each_decoded([&](const std::string& text, int64_t, const json& token) {
            if (flag(token, "special")) texts.insert(text);
        });
        texts.erase("");
        return texts;
    }

    fs::path folder_;
    json added_, map_, config_;
};

}  // namespace

TokenizerParts read_vocab_and_merges(const fs::path& vocab_json, const fs::path& merges_txt) {
    VocabularyFile file;
    file.name = vocab_json.string() + " and " + merges_txt.string();
    read_vocab(read_file(vocab_json), vocab_json.string(), file);
    read_merges(read_file(merges_txt), merges_txt.string(), file);
    const Companions companions(vocab_json.parent_path());
    companions.join(file);
    TokenizerParts parts = assemble_byte_level_bpe(file);
    if (const auto id = parts.vocabulary.special_id(companions.opening())) parts.opening = {*id};
    return parts;
}

}  // namespace gradus
