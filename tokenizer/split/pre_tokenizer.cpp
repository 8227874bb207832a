// The alternatives of PreTokenizer, prepared once and applied in order.
#include "tokenizer/split/pre_tokenizer.h"

#include "engine/base/error.h"
#include "tokenizer/split/cut.h"
#include "tokenizer/unicode/properties.h"

namespace gradus {

namespace {

using StepFunction = std::function<void(SplitText&)>;

char32_t only_character(const std::string& text, const char* of) {
    if (!text.empty()) {
        const Unit unit = unit_at(text, 0);
        if (unit.length == text.size() && unit.code < invalid_byte) return unit.code;
    }
    throw Error("cannot use the tokenizer's pre-tokenizer " + std::string(of), "'" + text + "' is not one character",
                "give it one character in the tokenizer's file");
}

template <class Matches>
StepFunction cut_at(parts::SplitBehavior behavior, Matches matches) {
    return [behavior, find = each_unit(matches)](SplitText& text) { cut_pieces(text, behavior, find); };
}

bool is_space(char32_t code) { return is_white_space(code); }
bool is_punctuation(char32_t code) { return properties_of(code).is_punctuation(); }

StepFunction make(const parts::ByteLevel& step) {
    return [step](SplitText& text) { byte_level(text, step); };
}
StepFunction make(const parts::BertPreTokenizer&) {
    return [spaces = cut_at(parts::SplitBehavior::removed, is_space),
            marks = cut_at(parts::SplitBehavior::isolated, is_punctuation)](SplitText& text) {
        spaces(text);
        marks(text);
    };
}
StepFunction make(const parts::CharDelimiterSplit& step) {
    const char32_t delimiter = only_character(step.delimiter, "CharDelimiterSplit");
    return cut_at(parts::SplitBehavior::removed, [=](char32_t code) { return code == delimiter; });
}
StepFunction make(const parts::Digits& step) {
    return cut_at(step.individual_digits ? parts::SplitBehavior::isolated : parts::SplitBehavior::contiguous,
                  [](char32_t code) { return properties_of(code).is_numeric(); });
}
StepFunction make(const parts::FixedLength& step) {
    if (step.length == 0)
        throw Error("cannot use the tokenizer's pre-tokenizer FixedLength", "its length is 0",
                    "give it a length of 1 or more in the tokenizer's file");
    return [length = step.length](SplitText& text) { split_lengths(text, length); };
}
StepFunction make(const parts::Metaspace& step) {
    return [mark = only_character(step.replacement, "Metaspace"), step](SplitText& text) {
        metaspace(text, mark, step.prepend_scheme, step.split);
    };
}
StepFunction make(const parts::Punctuation& step) { return cut_at(step.behavior, is_punctuation); }
StepFunction make(const parts::Split& step) {
    return [splitter = TextSplitter(step.pattern), behavior = step.behavior, invert = step.invert](SplitText& text) {
        cut_pieces(text, behavior, [&](std::string_view piece, std::vector<TextPart>& parts) {
            splitter.find(piece, parts);
            if (invert)
                for (TextPart& part : parts) part.is_match = !part.is_match;
        });
    };
}
StepFunction make(const parts::UnicodeScripts&) { return split_scripts; }
StepFunction make(const parts::Whitespace&) { return split_words; }
StepFunction make(const parts::WhitespaceSplit&) { return cut_at(parts::SplitBehavior::removed, is_space); }

}  // namespace

SplitText::SplitText(AlignedText text, ByteRange original) : aligned(std::move(text)) {
    if (!aligned.text.empty()) pieces.push_back({0, aligned.text.size(), original});
}

TextPreTokenizer::TextPreTokenizer(const std::vector<parts::PreTokenizer>& steps) {
    for (const parts::PreTokenizer& step : steps) {
        const auto* const mark = std::get_if<parts::Metaspace>(&step);
        needs_offsets_ |= mark && mark->prepend_scheme == parts::PrependScheme::first && !steps_.empty();
        steps_.push_back(std::visit([](const auto& one) { return make(one); }, step));
    }
}

void TextPreTokenizer::operator()(SplitText& text) const {
    CHECK(text.aligned.tracked || !needs_offsets_);
    for (const StepFunction& step : steps_) step(text);
}

void split(const parts::PreTokenizer& step, SplitText& text) { TextPreTokenizer({step})(text); }

}  // namespace gradus
