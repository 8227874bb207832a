// Reading tokenizer.json: unsupported parts are refused by name.
#include <initializer_list>

#include "engine/base/error.h"
#include "engine/base/one_line.h"
#include "tokenizer/json_text.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/vocabulary_file.h"

namespace gradus {

namespace {

using nlohmann::json;
using namespace nlohmann::literals;

class Reader {
public:
    Reader(std::string_view text, const std::string& name) : name_(name), root_(parse_json(text, name)) {
        if (!root_.is_object()) wrong("the file", "an object", root_);
    }

    TokenizerParts parts() const {
        require_settings("truncation");
        require_settings("padding");
        refuse_normalizer();
        const std::vector<const json*> cuts = leaves("pre_tokenizer", "pretokenizers");
        const bool characters = cuts.empty();
        const KnownPattern pattern = pattern_of(cuts);
        check_decoder(characters);

        const json& model = member(root_, "model", "the file");
        if (!model.is_object()) wrong("model", "an object", model);
        check_model(model, characters);
        VocabularyFile file;
        file.name = name_;
        read_vocab(model, file);
        read_merges(model, file);
        read_added_tokens(file);
        file.ignore_merges = flag(model, "ignore_merges");
        TokenizerParts parts = characters ? assemble_characters(file) : assemble_byte_level_bpe(file);
        parts.pattern = pattern;
        parts.opening = opening(parts.vocabulary);
        return parts;
    }

private:
    // A value from the file, shortened for a message.
    static std::string shown(const json& value) {
        if (value.is_array()) return "a list";
        if (value.is_object()) return "an object";
        return on_one_line(value.dump(-1, ' ', false, json::error_handler_t::replace), 60);
    }

    [[noreturn]] void wrong(const std::string& where, const std::string& expected, const json& value) const {
        throw Error("'" + name_ + "' is not a tokenizer.json",
                    name_ + ": " + where + " must be " + expected + ", not " + shown(value),
                    "copy the file again from its source");
    }

    [[noreturn]] void refuse(const std::string& what, const std::string& key, const std::string& value) const {
        const std::string text = on_one_line(value, 60);
        throw Error(what + " '" + text + "' is not supported", name_ + ": " + key + " is " + text, other_tokenizers);
    }
    [[noreturn]] void refuse_option(const std::string& whose, const std::string& key, const std::string& value) const {
        throw Error(whose + " option '" + key.substr(key.rfind('.') + 1) + "' is not supported with this value",
                    name_ + ": " + key + " is " + on_one_line(value, 60), other_tokenizers);
    }

    const json& member(const json& object, const char* key, const std::string& where) const {
        if (!object.is_object()) wrong(where, std::string("an object with '") + key + "'", object);
        const auto found = object.find(key);
        if (found == object.end()) wrong(where, std::string("an object with '") + key + "'", object);
        return *found;
    }

    // Settings of a batch call; a text's ids do not depend on them.
    void require_settings(const char* key) const {
        const auto found = root_.find(key);
        if (found != root_.end() && !found->is_null() && !found->is_object()) wrong(key, "an object or null", *found);
    }

    // The parts of one kind, in order; Sequences are replaced by their parts recursively.
    std::vector<const json*> leaves(const char* key, const char* members) const {
        std::vector<const json*> all;
        const auto found = root_.find(key);
        if (found != root_.end() && !found->is_null()) add_leaves(*found, key, members, all);
        return all;
    }
    void add_leaves(const json& part, const std::string& key, const char* members,
                    std::vector<const json*>& all) const {
        if (!part.is_object()) wrong(key, "an object or null", part);
        if (type_of(part, key) != "Sequence") {
            all.push_back(&part);
            return;
        }
        const json& list = member(part, members, key);
        if (!list.is_array()) wrong(key + "." + members, "an array", list);
        for (const json& inner : list) add_leaves(inner, key + "." + members, members, all);
    }

    std::string type_of(const json& part, const std::string& key) const {
        const json& type = member(part, "type", key);
        if (!type.is_string() || type.get_ref<const std::string&>().empty()) wrong(key + ".type", "a name", type);
        return type.get<std::string>();
    }

    void refuse_normalizer() const {
        for (const json* part : leaves("normalizer", "normalizers"))
            refuse("the normalizer", "normalizer.type", type_of(*part, "normalizer"));
    }

    // ByteLevel with its own pattern, or Split with a known one and then ByteLevel without.
    KnownPattern pattern_of(std::vector<const json*> parts) const {
        KnownPattern pattern = KnownPattern::gpt2;
        const bool split = !parts.empty() && type_of(*parts[0], "pre_tokenizer") == "Split";
        if (split) {
            pattern = pattern_of_split(*parts[0]);
            parts.erase(parts.begin());
            if (parts.empty()) refuse("the pre-tokenizer", "pre_tokenizer.type", "Split without ByteLevel");
        }
        for (const json* part : parts)
            if (const std::string type = type_of(*part, "pre_tokenizer"); type != "ByteLevel")
                refuse("the pre-tokenizer", "pre_tokenizer.type", type);
        if (parts.size() > 1) refuse("the pre-tokenizer", "pre_tokenizer.type", "Sequence of several ByteLevel");
        if (!parts.empty()) check_byte_level(*parts[0], !split);
        return pattern;
    }

    KnownPattern pattern_of_split(const json& split) const {
        const json regex = split.value("/pattern/Regex"_json_pointer, json());
        const auto known = regex.is_string() ? known_pattern(regex.get_ref<const std::string&>()) : std::nullopt;
        if (!known)
            throw Error("the pre-tokenizer 'Split' is not supported with this pattern",
                        name_ + ": pre_tokenizer.pattern is " + shown(regex), other_tokenizers);
        const json& behavior = member(split, "behavior", "pre_tokenizer");
        if (behavior != "Isolated") refuse_option("the pre-tokenizer's", "pre_tokenizer.behavior", shown(behavior));
        if (flag(split, "invert")) refuse_option("the pre-tokenizer's", "pre_tokenizer.invert", "true");
        return *known;
    }

    void check_decoder(bool characters) const {
        const std::string needed = characters ? "Fuse" : "ByteLevel";
        const std::vector<const json*> parts = leaves("decoder", "decoders");
        for (const json* part : parts)
            if (const std::string type = type_of(*part, "decoder"); type != needed)
                refuse("the decoder", "decoder.type", type);
        // An empty Sequence joins tokens as Fuse does; without a decoder there are spaces between them.
        const bool joined = characters && root_.contains("decoder") && !root_["decoder"].is_null();
        if (parts.size() > 1) refuse("the decoder", "decoder.type", "Sequence of several " + needed);
        if (parts.empty() && !joined) refuse("the decoder", "decoder.type", "null");
    }

    // The special tokens that the post-processor puts before a text: a template [tokens…, text].
    std::vector<int32_t> opening(const Vocabulary& vocabulary) const {
        std::vector<int32_t> ids;
        for (const json* part : leaves("post_processor", "processors")) {
            const std::string type = type_of(*part, "post_processor");
            if (type == "ByteLevel") continue;
            if (type != "TemplateProcessing") refuse("the post-processor", "post_processor.type", type);
            if (!ids.empty()) refuse("the post-processor", "post_processor.processors", "two templates");
            ids = opening_of_template(*part, vocabulary);
        }
        return ids;
    }

    std::vector<int32_t> opening_of_template(const json& part, const Vocabulary& vocabulary) const {
        const std::string key = "post_processor.single";
        const json& single = member(part, "single", "post_processor");
        if (!single.is_array()) wrong(key, "an array", single);
        std::vector<int32_t> ids;
        int texts = 0;
        for (const json& piece : single) {
            if (!piece.is_object() || piece.size() != 1) wrong(key, "an array of pieces", piece);
            const json& about = piece.front();
            const json& id = member(about, "id", key);
            if (piece.contains("Sequence")) {
                if (id != "A") refuse("the post-processor's template", key, "a second text");
                ++texts;
                continue;
            }
            if (!piece.contains("SpecialToken")) wrong(key, "of SpecialToken and Sequence", piece);
            if (texts > 0) refuse("the post-processor's template", key, shown(id) + " after the text");
            add_special_token(part, id, vocabulary, ids);
        }
        if (texts != 1) refuse("the post-processor's template", key, "without exactly one text");
        return ids;
    }

    void add_special_token(const json& part, const json& id, const Vocabulary& vocabulary,
                           std::vector<int32_t>& ids) const {
        const std::string key = "post_processor.special_tokens";
        const json& known = member(part, "special_tokens", "post_processor");
        if (!id.is_string() || !known.is_object() || !known.contains(id.get<std::string>()))
            wrong(key, "an object with " + shown(id), known);
        const json& token_ids = member(known[id.get<std::string>()], "ids", key);
        if (!token_ids.is_array()) wrong(key + ".ids", "an array", token_ids);
        for (const json& token : token_ids) {
            const int64_t number = id_in(token, key + ".ids");
            if (number < 0 || number >= vocabulary.size()) wrong(key + ".ids", "of the vocabulary", token);
            ids.push_back(int32_t(number));
        }
    }

    bool flag(const json& object, const char* key, bool absent = false) const {
        const auto found = object.find(key);
        if (found == object.end() || found->is_null()) return absent;
        if (!found->is_boolean()) wrong(key, "true or false", *found);
        return found->get<bool>();
    }

    void check_byte_level(const json& pre_tokenizer, bool with_pattern) const {
        if (flag(pre_tokenizer, "add_prefix_space", true))
            refuse_option("the pre-tokenizer's", "pre_tokenizer.add_prefix_space", "true");
        if (flag(pre_tokenizer, "use_regex", true) != with_pattern)
            refuse_option("the pre-tokenizer's", "pre_tokenizer.use_regex", with_pattern ? "false" : "true");
    }

    void check_model(const json& model, bool characters) const {
        if (const auto type = model.find("type"); type != model.end() && *type != "BPE")
            refuse("the model", "model.type", type->is_string() ? type->get<std::string>() : shown(*type));
        for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (const auto found = model.find(key); found != model.end() && !found->is_null() && *found != "")
                refuse_option("the model's", std::string("model.") + key, shown(*found));
        if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null() && *dropout != 0)
            refuse_option("the model's", "model.dropout", shown(*dropout));
        if (flag(model, "byte_fallback")) refuse_option("the model's", "model.byte_fallback", "true");
        // With a token for each byte nothing is unknown; characters can be.
        if (const auto unknown = model.find("unk_token"); characters && unknown != model.end() && !unknown->is_null())
            refuse_option("the model's", "model.unk_token", shown(*unknown));
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
            for (const char* key : {"single_word", "lstrip", "rstrip"})
                if (flag(token, key))
                    refuse("an added token's option", "added_tokens of " + shown(content), std::string(key));
            (flag(token, "special") ? file.specials : file.added)
                .emplace_back(content.get<std::string>(),
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
