// Reading tokenizer.json: what is understood is taken, what is not is refused by its name.
#include <initializer_list>

#include "engine/base/error.h"
#include "tokenizer/json_text.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary_file.h"

namespace gradus {

namespace {

using nlohmann::json;

constexpr const char* readable =
    "use a byte-level BPE tokenizer of GPT-2's kind or a character vocabulary, or train one: gradus tokenizer train";

class Reader {
public:
    Reader(std::string_view text, const std::string& name) : name_(name), root_(parse_json(text, name)) {
        if (!root_.is_object()) wrong("the file", "an object", root_);
    }

    TokenizerParts parts() const {
        refuse_unless_null("normalizer");
        refuse_unless_null("truncation");
        refuse_unless_null("padding");
        const std::string pre_tokenizer = type_of("pre_tokenizer"), decoder = type_of("decoder");
        const bool characters = pre_tokenizer.empty();
        if (!characters && pre_tokenizer != "ByteLevel")
            refuse("the pre-tokenizer", "pre_tokenizer.type", pre_tokenizer);
        if (!characters) check_byte_level(root_["pre_tokenizer"]);
        const std::string post_processor = type_of("post_processor");
        if (!post_processor.empty() && post_processor != "ByteLevel")
            refuse("the post-processor", "post_processor.type", post_processor);
        if (decoder != (characters ? "Fuse" : "ByteLevel"))
            refuse("the decoder", "decoder.type", decoder.empty() ? "null" : decoder);

        const json& model = member(root_, "model", "the file");
        if (!model.is_object()) wrong("model", "an object", model);
        check_model(model, characters);
        VocabularyFile file;
        file.name = name_;
        read_vocab(model, file);
        read_merges(model, file);
        read_added_tokens(file);
        file.ignore_merges = flag(model, "ignore_merges");
        return characters ? assemble_characters(file) : assemble_byte_level_bpe(file);
    }

private:
    // A value from the file, short and fit for a message.
    static std::string shown(const json& value) {
        if (value.is_array()) return "a list";
        if (value.is_object()) return "an object";
        const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
        return text.size() <= 60 ? text : replace_invalid_utf8(text.substr(0, 57)) + "...";
    }

    [[noreturn]] void wrong(const std::string& where, const std::string& expected, const json& value) const {
        throw Error("'" + name_ + "' is not a tokenizer.json",
                    name_ + ": " + where + " must be " + expected + ", not " + shown(value),
                    "copy the file again from where it was made");
    }

    [[noreturn]] void refuse(const std::string& what, const std::string& key, const std::string& value) const {
        throw Error(what + " '" + value + "' is not supported", name_ + ": " + key + " is " + value, readable);
    }

    const json& member(const json& object, const char* key, const std::string& where) const {
        const auto found = object.find(key);
        if (found == object.end()) wrong(where, std::string("an object with '") + key + "'", object);
        return *found;
    }

    void refuse_unless_null(const char* key) const {
        const auto found = root_.find(key);
        if (found == root_.end() || found->is_null()) return;
        const bool named = found->is_object() && found->contains("type") && found->at("type").is_string();
        refuse(std::string("the ") + key, key, named ? found->at("type").get<std::string>() : shown(*found));
    }

    // The type of a part of the pipeline; empty when it is absent or null.
    std::string type_of(const char* key) const {
        const auto found = root_.find(key);
        if (found == root_.end() || found->is_null()) return "";
        if (!found->is_object()) wrong(key, "an object or null", *found);
        const json& type = member(*found, "type", key);
        if (!type.is_string() || type.get_ref<const std::string&>().empty())
            wrong(std::string(key) + ".type", "a name", type);
        return type.get<std::string>();
    }

    bool flag(const json& object, const char* key, bool absent = false) const {
        const auto found = object.find(key);
        if (found == object.end() || found->is_null()) return absent;
        if (!found->is_boolean()) wrong(key, "true or false", *found);
        return found->get<bool>();
    }

    void check_byte_level(const json& pre_tokenizer) const {
        if (flag(pre_tokenizer, "add_prefix_space", true))
            refuse("the pre-tokenizer's option", "pre_tokenizer.add_prefix_space", "true");
        if (!flag(pre_tokenizer, "use_regex", true))
            refuse("the pre-tokenizer's option", "pre_tokenizer.use_regex", "false");
    }

    void check_model(const json& model, bool characters) const {
        if (const auto type = model.find("type"); type != model.end() && *type != "BPE")
            refuse("the model", "model.type", type->is_string() ? type->get<std::string>() : shown(*type));
        for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (const auto found = model.find(key); found != model.end() && !found->is_null() && *found != "")
                refuse("the model's option", std::string("model.") + key, shown(*found));
        if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null() && *dropout != 0)
            refuse("the model's option", "model.dropout", shown(*dropout));
        if (flag(model, "byte_fallback")) refuse("the model's option", "model.byte_fallback", "true");
        // With a token for each byte nothing is ever unknown; among characters something is.
        if (const auto unknown = model.find("unk_token"); characters && unknown != model.end() && !unknown->is_null())
            refuse("the model's option", "model.unk_token", shown(*unknown));
    }

    int64_t id_in(const json& value, const std::string& where) const {
        if (!value.is_number_integer()) wrong(where, "an id", value);
        if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT32_MAX))
            wrong(where, "an id below 2^31", value);
        return value.get<int64_t>();
    }

    void read_vocab(const json& model, VocabularyFile& file) const {
        const json& vocab = member(model, "vocab", "model");
        if (!vocab.is_object()) wrong("model.vocab", "an object", vocab);
        for (const auto& [name, id] : vocab.items()) file.tokens.emplace_back(name, id_in(id, "model.vocab"));
    }

    void read_merges(const json& model, VocabularyFile& file) const {
        const json& merges = member(model, "merges", "model");
        if (!merges.is_array()) wrong("model.merges", "an array", merges);
        for (const json& merge : merges) {
            if (merge.is_string()) {
                const std::string& pair = merge.get_ref<const std::string&>();
                const size_t space = pair.find(' ');
                if (space == std::string::npos || pair.find(' ', space + 1) != std::string::npos)
                    wrong("model.merges", "pairs \"a b\"", merge);
                file.merges.emplace_back(pair.substr(0, space), pair.substr(space + 1));
            } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
                file.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
            } else {
                wrong("model.merges", "pairs \"a b\" or [\"a\", \"b\"]", merge);
            }
        }
    }

    void read_added_tokens(VocabularyFile& file) const {
        const auto added = root_.find("added_tokens");
        if (added == root_.end() || added->is_null()) return;
        if (!added->is_array()) wrong("added_tokens", "an array", *added);
        for (const json& token : *added) {
            if (!token.is_object()) wrong("added_tokens", "objects", token);
            const json& content = member(token, "content", "added_tokens");
            if (!content.is_string()) wrong("added_tokens.content", "a text", content);
            if (!flag(token, "special"))
                refuse("the added token", "added_tokens without \"special\": true", shown(content));
            for (const char* key : {"single_word", "lstrip", "rstrip"})
                if (flag(token, key))
                    refuse("an added token's option", "added_tokens of " + shown(content), std::string(key));
            file.specials.emplace_back(content.get<std::string>(),
                                       id_in(member(token, "id", "added_tokens"), "added_tokens.id"));
        }
    }

    const std::string& name_;
    const json root_;
};

}  // namespace

TokenizerParts parse_tokenizer_json(std::string_view text, const std::string& name) {
    return Reader(text, name).parts();
}

}  // namespace gradus
