#pragma once
// What is added around the tokens of one text or of a pair, as in the "post_processor" of tokenizer.json, in order. A Sequence is written
// out.
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace gradus::parts {

struct TemplatePiece {
    enum class Kind { text_a, text_b, special };
    Kind kind = Kind::text_a;
    std::string special;  // a key of TemplateProcessing::specials
    int32_t type_id = 0;
    bool operator==(const TemplatePiece&) const = default;
};

struct TemplateProcessing {
    struct Special {
        std::vector<int32_t> ids;
        std::vector<std::string> tokens;
        bool operator==(const Special&) const = default;
    };
    std::vector<TemplatePiece> single, pair;
    std::map<std::string, Special> specials;
    bool operator==(const TemplateProcessing&) const = default;
};

struct BertProcessing {  // [CLS] A [SEP] B [SEP]
    std::pair<std::string, int32_t> sep, cls;
    bool operator==(const BertProcessing&) const = default;
};

struct RobertaProcessing {  // <s> A </s> </s> B </s>
    std::pair<std::string, int32_t> sep, cls;
    bool trim_offsets = true, add_prefix_space = true;
    bool operator==(const RobertaProcessing&) const = default;
};

struct ByteLevelOffsets {  // offsets without the white space that tokens begin or end with
    bool trim_offsets = true;
    bool operator==(const ByteLevelOffsets&) const = default;
};

using PostProcessor = std::variant<TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevelOffsets>;

}  // namespace gradus::parts
