// The normalizers that look at one unit at a time, and the normal forms.
#include "tokenizer/normalize/steps.h"

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode/lower_case.h"
#include "tokenizer/unicode/normal_forms.h"
#include "tokenizer/unicode/properties.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus::normalize_steps {

namespace {

// Copies units until one that `changes(code)` says, calls change(rewriter, code) for it, and so on.
template <class Changes, class Change>
bool rewrite_units(const AlignedText& from, AlignedText& to, Changes&& changes, Change&& change) {
    const auto next_change = [&](size_t at) {
        while (at < from.text.size()) {
            const Unit unit = unit_at(from.text, at);
            if (changes(unit.code)) break;
            at += unit.length;
        }
        return at;
    };
    size_t at = next_change(0);
    if (at == from.text.size()) return false;
    Rewriter rewriter(from, to);
    while (at < from.text.size()) {
        rewriter.keep_to(at);
        change(rewriter, unit_at(from.text, at).code);
        at = next_change(rewriter.position());
    }
    rewriter.keep_rest();
    return true;
}

template <class Removed>
bool remove_units(const AlignedText& from, AlignedText& to, Removed&& removed) {
    return rewrite_units(from, to, removed, [](Rewriter& rewriter, char32_t) { rewriter.remove(); });
}

bool is_nmt_control(char32_t code) {
    return (code >= 0x01 && code <= 0x08) || code == 0x0B || (code >= 0x0E && code <= 0x1F) || code == 0x7F ||
           code == 0x8F || code == 0x9F;
}

bool is_nmt_space(char32_t code) {
    return code == 0x09 || code == 0x0A || code == 0x0C || code == 0x0D || code == 0x1680 ||
           (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 || code == 0xFEFF ||
           code == 0xFFFD;
}

// The ranges of BERT's CJK ideographs. 2B920 is a slip for 2B820, which that library keeps.
bool is_bert_ideograph(char32_t code) {
    return (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0x3400 && code <= 0x4DBF) ||
           (code >= 0x20000 && code <= 0x2A6DF) || (code >= 0x2A700 && code <= 0x2B73F) ||
           (code >= 0x2B740 && code <= 0x2B81F) || (code >= 0x2B920 && code <= 0x2CEAF) ||
           (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x2F800 && code <= 0x2FA1F);
}

bool is_bert_removed(char32_t code) {
    if (code < 0x80) return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0x7F;
    return properties_of(code).is_bert_control();
}

}  // namespace

bool normal_form(const AlignedText& from, AlignedText& to, parts::NormalForm form) {
    Segment next = next_segment(from.text, 0, form);
    if (next.begin == from.text.size()) return false;
    Rewriter rewriter(from, to);
    std::vector<char32_t> segment;
    std::vector<NormalizedUnit> normalized;
    while (next.begin < from.text.size()) {
        rewriter.keep_to(next.begin);
        segment.clear();
        for (size_t at = next.begin; at < next.end;) {
            const Unit unit = unit_at(from.text, at);
            segment.push_back(unit.code);
            at += unit.length;
        }
        normalize_segment(segment, form, normalized);
        for (const NormalizedUnit& unit : normalized) rewriter.put(unit.code, unit.change);
        next = next_segment(from.text, next.end, form);
    }
    rewriter.keep_rest();
    return true;
}

bool lowercase(const AlignedText& from, AlignedText& to) {
    const auto changes = [](char32_t code) {
        if (code < 0x80) return code >= 'A' && code <= 'Z';
        const LowerCase lower = lower_case(code);
        return lower.first != code || lower.second != 0;
    };
    return rewrite_units(from, to, changes, [](Rewriter& rewriter, char32_t code) {
        const LowerCase lower = lower_case(code);
        rewriter.replace(lower.first);
        if (lower.second != 0) rewriter.insert(lower.second);
    });
}

bool strip(const AlignedText& from, AlignedText& to, bool left, bool right) {
    const std::string& text = from.text;
    size_t begin = 0, end = text.size();
    while (left && begin < end && is_white_space(unit_at(text, begin).code)) begin += unit_at(text, begin).length;
    while (right && begin < end) {
        const size_t last = unit_begin(text, end - 1);
        if (!is_white_space(unit_at(text, last).code)) break;
        end = last;
    }
    if (begin == 0 && end == text.size()) return false;
    Rewriter rewriter(from, begin, end, {}, to);
    rewriter.keep_rest();
    return true;
}

bool strip_accents(const AlignedText& from, AlignedText& to) {
    return remove_units(from, to, [](char32_t code) { return code >= 0x80 && properties_of(code).is_mark(); });
}

bool nmt(const AlignedText& from, AlignedText& to) {
    return rewrite_units(
        from, to, [](char32_t code) { return is_nmt_control(code) || is_nmt_space(code); },
        [](Rewriter& rewriter, char32_t code) {
            if (is_nmt_control(code)) rewriter.remove();
            else rewriter.replace(' ');
        });
}

// All of the prefix stands for what the first unit stands for. The unit itself stands for nothing if the prefix is empty, as in that library.
bool prepend(const AlignedText& from, AlignedText& to, const std::string& text) {
    if (from.text.empty()) return false;
    Rewriter rewriter(from, to);
    rewriter.prepend(text);
    if (text.empty()) {
        rewriter.insert(unit_at(from.text, 0).code);
        rewriter.remove();
    }
    rewriter.keep_rest();
    return true;
}

bool byte_letters(const AlignedText& from, AlignedText& to) {
    const auto changes = [](char32_t code) { return code < '!' || code > '~'; };
    return rewrite_units(from, to, changes, [&](Rewriter& rewriter, char32_t code) {
        const size_t at = rewriter.position();
        rewriter.replace(byte_to_code_point(uint8_t(from.text[at])));
        for (size_t i = 1; i < unit_length(code); ++i) rewriter.insert(byte_to_code_point(uint8_t(from.text[at + i])));
    });
}

bool bert_clean(const AlignedText& from, AlignedText& to) {
    const auto changes = [](char32_t code) {
        return code < 0x80 ? code < 0x20 || code == 0x7F : is_bert_removed(code) || is_white_space(code);
    };
    return rewrite_units(from, to, changes, [](Rewriter& rewriter, char32_t code) {
        if (is_bert_removed(code)) rewriter.remove();
        else rewriter.replace(' ');
    });
}

bool bert_spaces_around_ideographs(const AlignedText& from, AlignedText& to) {
    return rewrite_units(
        from, to, [](char32_t code) { return is_bert_ideograph(code); },
        [](Rewriter& rewriter, char32_t code) {
            rewriter.replace(' ');
            rewriter.insert(code);
            rewriter.insert(U' ');
        });
}

bool bert_strip_accents(const AlignedText& from, AlignedText& to) {
    return remove_units(from, to, [](char32_t code) { return code >= 0x80 && properties_of(code).is_bert_accent(); });
}

}  // namespace gradus::normalize_steps
