// The alternatives of Normalizer, prepared once and applied in order.
#include "tokenizer/normalize/normalizer.h"

#include <variant>

#include "tokenizer/normalize/charsmap.h"
#include "tokenizer/normalize/steps.h"
#include "tokenizer/split/text_splitter.h"

namespace gradus {

// Applies itself from a text to an empty one; returns whether anything changed.
struct TextNormalizer::Step {
    virtual ~Step() = default;
    virtual bool apply(const AlignedText& from, AlignedText& to) const = 0;
};

namespace {

template <class Apply>
struct StepOf : TextNormalizer::Step {
    explicit StepOf(Apply with) : apply_with(std::move(with)) {}
    bool apply(const AlignedText& from, AlignedText& to) const override { return apply_with(from, to); }
    Apply apply_with;
};

using StepPointer = std::shared_ptr<const TextNormalizer::Step>;

template <class Apply>
StepPointer step_of(Apply apply) {
    return std::make_shared<const StepOf<Apply>>(std::move(apply));
}

// What replaces a match stands for what the end of the match stands for.
bool replace_matches(const TextSplitter& splitter, const std::string& content, const AlignedText& from,
                     AlignedText& to) {
    std::vector<TextPart> parts;
    splitter.find(from.text, parts);
    if (parts.size() == 1 && !parts[0].is_match) return false;
    Rewriter rewriter(from, to);
    for (const TextPart& part : parts) {
        if (!part.is_match) {
            rewriter.keep_to(part.end);
            continue;
        }
        rewriter.skip_to(part.end);
        rewriter.insert(content);
    }
    return true;
}

StepPointer make(const parts::Normalize& n) {
    return step_of(
        [form = n.form](const AlignedText& a, AlignedText& b) { return normalize_steps::normal_form(a, b, form); });
}
StepPointer make(const parts::Lowercase&) { return step_of(normalize_steps::lowercase); }
StepPointer make(const parts::Strip& n) {
    return step_of([n](const AlignedText& a, AlignedText& b) { return normalize_steps::strip(a, b, n.left, n.right); });
}
StepPointer make(const parts::StripAccents&) { return step_of(normalize_steps::strip_accents); }
StepPointer make(const parts::Nmt&) { return step_of(normalize_steps::nmt); }
StepPointer make(const parts::Precompiled& n) {
    return step_of([map = Charsmap(n.charsmap)](const AlignedText& a, AlignedText& b) { return map.apply(a, b); });
}
StepPointer make(const parts::Prepend& n) {
    return step_of([n](const AlignedText& a, AlignedText& b) { return normalize_steps::prepend(a, b, n.text); });
}
StepPointer make(const parts::Replace& n) {
    return step_of([splitter = TextSplitter(n.pattern), content = n.content](const AlignedText& a, AlignedText& b) {
        return replace_matches(splitter, content, a, b);
    });
}
StepPointer make(const parts::ByteLevelLetters&) { return step_of(normalize_steps::byte_letters); }

void add_bert_steps(const parts::BertNormalizer& n, std::vector<StepPointer>& steps) {
    if (n.clean_text) steps.push_back(step_of(normalize_steps::bert_clean));
    if (n.handle_chinese_chars) steps.push_back(step_of(normalize_steps::bert_spaces_around_ideographs));
    if (n.strip_accents.value_or(n.lowercase)) {
        steps.push_back(make(parts::Normalize{parts::NormalForm::nfd}));
        steps.push_back(step_of(normalize_steps::bert_strip_accents));
    }
    if (n.lowercase) steps.push_back(make(parts::Lowercase{}));
}

}  // namespace

TextNormalizer::TextNormalizer(const std::vector<parts::Normalizer>& steps) {
    for (const parts::Normalizer& step : steps) {
        if (const auto* bert = std::get_if<parts::BertNormalizer>(&step)) {
            add_bert_steps(*bert, steps_);
            continue;
        }
        std::visit(
            [&](const auto& one) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(one)>, parts::BertNormalizer>)
                    steps_.push_back(make(one));
            },
            step);
    }
}

void TextNormalizer::operator()(AlignedText& text) const {
    for (const StepPointer& step : steps_) {
        AlignedText next;
        if (step->apply(text, next)) text = std::move(next);
    }
}

std::string TextNormalizer::operator()(std::string text) const {
    AlignedText untracked;
    untracked.tracked = false;
    untracked.text = std::move(text);
    (*this)(untracked);
    return std::move(untracked.text);
}

void normalize(const parts::Normalizer& step, AlignedText& text) { TextNormalizer({step})(text); }

}  // namespace gradus
