// Writing tokenizer.json, one token per line.
#include <nlohmann/json.hpp>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer_json.h"

namespace gradus {

namespace {

std::string json_string(std::string_view text) { return nlohmann::json(text).dump(); }

class Writer {
public:
    explicit Writer(const TokenizerParts& parts) : parts_(parts), vocabulary_(parts.vocabulary) {}

    std::string text() {
        const bool byte_level = parts_.kind == TokenizerKind::byte_level_bpe;
        const std::string byte_level_part =
            R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})";
        out_ = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [";
        write_added_tokens();
        out_ += "],\n  \"normalizer\": null,\n  \"pre_tokenizer\": " +
                (byte_level ? pre_tokenizer(byte_level_part) : "null");
        out_ += ",\n  \"post_processor\": " + post_processor() + ",\n  \"decoder\": ";
        out_ += byte_level ? byte_level_part : R"({"type": "Fuse"})";
        out_ += ",\n  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n";
        out_ +=
            "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n";
        if (parts_.ignore_merges) out_ += "    \"ignore_merges\": true,\n";
        out_ += "    \"vocab\": {";
        write_vocab();
        out_ += "},\n    \"merges\": [";
        write_merges();
        out_ += "]\n  }\n}\n";
        return std::move(out_);
    }

private:
    bool is_plain(int32_t id) const { return vocabulary_.is_special(id) || vocabulary_.is_added(id); }

    std::string name_of(int32_t id) const {
        const std::string_view bytes = vocabulary_.bytes_of(id);
        const bool spelt = parts_.kind == TokenizerKind::byte_level_bpe && !is_plain(id);
        return spelt ? bytes_to_alphabet(bytes) : std::string(bytes);
    }

    // GPT-2's pattern is ByteLevel's own.
    std::string pre_tokenizer(const std::string& byte_level) const {
        if (parts_.pattern == KnownPattern::gpt2) return byte_level;
        return R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": )" +
               json_string(regex_of(parts_.pattern)) + R"(}, "behavior": "Isolated", "invert": false}, )" +
               R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})";
    }

    // In ascending order of ids: in this order the library assigns ids to tokens that are not in the vocabulary.
    void write_added_tokens() {
        bool first = true;
        for (int32_t id = 0; id < vocabulary_.size(); ++id) {
            if (!is_plain(id)) continue;
            out_ += std::string(first ? "" : ",") + "\n    {\"id\": " + std::to_string(id) +
                    ", \"content\": " + json_string(vocabulary_.bytes_of(id)) +
                    ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
                    "\"special\": " +
                    (vocabulary_.is_special(id) ? "true}" : "false}");
            first = false;
        }
        if (!first) out_ += "\n  ";
    }

    // A template that puts the opening before a text, and before each of a pair.
    std::string post_processor() const {
        if (parts_.opening.empty()) return "null";
        std::string pieces, tokens;
        for (const int32_t id : parts_.opening) {
            const std::string name = json_string(vocabulary_.bytes_of(id));
            pieces += R"({"SpecialToken": {"id": )" + name + R"(, "type_id": 0}}, )";
            tokens += (tokens.empty() ? "" : ", ") + name + R"(: {"id": )" + name + R"(, "ids": [)" +
                      std::to_string(id) + R"(], "tokens": [)" + name + "]}";
        }
        const std::string a = R"({"Sequence": {"id": "A", "type_id": 0}})",
                          b = R"({"Sequence": {"id": "B", "type_id": 0}})";
        return R"({"type": "TemplateProcessing", "single": [)" + pieces + a + R"(], "pair": [)" + pieces + a + ", " +
               pieces + b + R"(], "special_tokens": {)" + tokens + "}}";
    }

    void write_vocab() {
        for (int32_t id = 0; id < vocabulary_.size(); ++id)
            out_ += (id == 0 ? "\n      " : ",\n      ") + json_string(name_of(id)) + ": " + std::to_string(id);
        out_ += "\n    ";
    }

    void write_merges() {
        bool first = true;
        for (const Merge& merge : parts_.merges) {
            out_ += (first ? "\n      " : ",\n      ") + json_string(name_of(merge.left) + " " + name_of(merge.right));
            first = false;
        }
        if (!first) out_ += "\n    ";
    }

    const TokenizerParts& parts_;
    const Vocabulary& vocabulary_;
    std::string out_;
};

}  // namespace

std::string write_tokenizer_json(const TokenizerParts& parts) { return Writer(parts).text(); }

}  // namespace gradus
