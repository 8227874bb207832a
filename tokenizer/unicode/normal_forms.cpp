// Decomposition, canonical order and composition of segments.
#include "tokenizer/unicode/normal_forms.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "tokenizer/unicode/code_point_table.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

// Hangul syllables are computed (Unicode standard, 3.12): a leading consonant, a vowel, and perhaps a trailing consonant.
constexpr char32_t first_syllable = 0xAC00, first_leading = 0x1100, first_vowel = 0x1161, before_trailing = 0x11A7;
constexpr char32_t leading_count = 19, vowel_count = 21, trailing_count = 28;
constexpr char32_t syllable_count = leading_count * vowel_count * trailing_count;

bool is_syllable(char32_t code) { return code - first_syllable < syllable_count; }

struct Decomposition {
    const uint32_t* first;
    uint32_t size;
};

// Bits of `behavior`: what a form does with the code point, or that the code point has a combining class.
constexpr uint8_t bit_of(parts::NormalForm form) { return uint8_t(1 << int(form)); }
constexpr uint8_t has_class = 16;

class NormalTables {
public:
    NormalTables()
        : classes_(expand_runs<uint8_t>(unicode_tables::combining_class_runs)),
          canonical_(read(unicode_tables::canonical_decompositions)),
          compatible_(read(unicode_tables::compatible_decompositions)),
          compositions_(read_compositions()),
          behavior_(behaviors()) {}

    uint8_t combining_class(char32_t code) const { return code < code_point_count ? classes_[code] : 0; }
    uint8_t behavior(char32_t code) const { return code < code_point_count ? behavior_[code] : 0; }

    // Empty if the code point stays as it is.
    Decomposition decomposition(char32_t code, bool compatible) const {
        if (compatible)
            if (const auto found = compatible_.find(code); found != compatible_.end()) return found->second;
        const auto found = canonical_.find(code);
        return found != canonical_.end() ? found->second : Decomposition{nullptr, 0};
    }

    // The code point that two become; 0 if none.
    char32_t composition(char32_t first, char32_t second) const {
        if (first - first_leading < leading_count && second - first_vowel < vowel_count)
            return first_syllable + ((first - first_leading) * vowel_count + (second - first_vowel)) * trailing_count;
        if (is_syllable(first) && (first - first_syllable) % trailing_count == 0 && second > before_trailing &&
            second < before_trailing + trailing_count)
            return first + (second - before_trailing);
        const auto found = compositions_.find(uint64_t(first) << 32 | second);
        return found != compositions_.end() ? found->second : 0;
    }

private:
    using Decompositions = std::unordered_map<char32_t, Decomposition>;

    static Decompositions read(const unicode_tables::Numbers<uint32_t>& all) {
        Decompositions table;
        char32_t code = 0;
        for (const uint32_t* at = all.begin(); at < all.end(); at += 2 + at[1]) table[code += at[0]] = {at + 2, at[1]};
        return table;
    }

    static std::unordered_map<uint64_t, char32_t> read_compositions() {
        std::unordered_map<uint64_t, char32_t> table;
        const unicode_tables::Numbers<uint32_t>& all = unicode_tables::compositions;
        for (size_t i = 0; i < all.size; i += 3)
            table[uint64_t(all.first[i + 1]) << 32 | all.first[i + 2]] = all.first[i];
        return table;
    }

    std::vector<uint8_t> behaviors() const {
        std::vector<uint8_t> bits(code_point_count, 0);
        constexpr uint8_t nfc = bit_of(parts::NormalForm::nfc), nfd = bit_of(parts::NormalForm::nfd),
                          nfkc = bit_of(parts::NormalForm::nfkc), nfkd = bit_of(parts::NormalForm::nfkd);
        for (char32_t code = 0; code < code_point_count; ++code)
            if (classes_[code] != 0) bits[code] = has_class;
        for (const auto& [code, parts] : canonical_) bits[code] |= nfc | nfd | nfkc | nfkd;
        for (const auto& [pair, code] : compositions_) bits[code] &= uint8_t(~(nfc | nfkc));
        for (const auto& [code, parts] : compatible_) bits[code] |= nfkc | nfkd;
        for (const auto& [pair, code] : compositions_) bits[uint32_t(pair)] |= nfc | nfkc;
        for (char32_t code = first_syllable; code < first_syllable + syllable_count; ++code) bits[code] |= nfd | nfkd;
        for (char32_t code = first_vowel; code < first_vowel + vowel_count; ++code) bits[code] |= nfc | nfkc;
        for (char32_t code = before_trailing + 1; code < before_trailing + trailing_count; ++code)
            bits[code] |= nfc | nfkc;
        return bits;
    }

    CodePointTable<uint8_t> classes_;
    Decompositions canonical_, compatible_;
    std::unordered_map<uint64_t, char32_t> compositions_;
    CodePointTable<uint8_t> behavior_;
};

const NormalTables& tables() {
    static const NormalTables all;
    return all;
}

bool composes(parts::NormalForm form) { return form == parts::NormalForm::nfc || form == parts::NormalForm::nfkc; }
bool is_compatible(parts::NormalForm form) {
    return form == parts::NormalForm::nfkc || form == parts::NormalForm::nfkd;
}

void decompose(char32_t code, bool compatible, std::vector<NormalizedUnit>& out) {
    if (is_syllable(code)) {
        const char32_t index = code - first_syllable, trailing = index % trailing_count;
        out.push_back({first_leading + index / (vowel_count * trailing_count), 0});
        out.push_back({first_vowel + index / trailing_count % vowel_count, 1});
        if (trailing != 0) out.push_back({before_trailing + trailing, 1});
        return;
    }
    const Decomposition parts = tables().decomposition(code, compatible);
    if (parts.size == 0) out.push_back({code, 0});
    for (uint32_t i = 0; i < parts.size; ++i) out.push_back({parts.first[i], i == 0 ? 0 : 1});
}

// Sorts units by their classes and keeps the order within a class: by insertion if there are few, else by counting.
void sort_by_class(NormalizedUnit* first, NormalizedUnit* last) {
    const NormalTables& all = tables();
    if (last - first <= 16) {
        for (NormalizedUnit* at = first + 1; at < last; ++at) {
            const uint8_t own = all.combining_class(at->code);
            NormalizedUnit* to = at;
            while (to > first && all.combining_class(to[-1].code) > own) --to;
            std::rotate(to, at, at + 1);
        }
        return;
    }
    std::array<std::vector<NormalizedUnit>, 256> of_class;
    for (const NormalizedUnit* at = first; at < last; ++at) of_class[all.combining_class(at->code)].push_back(*at);
    for (const std::vector<NormalizedUnit>& units : of_class) first = std::copy(units.begin(), units.end(), first);
}

void order(std::vector<NormalizedUnit>& units) {
    const NormalTables& all = tables();
    for (size_t begin = 0, end; begin < units.size(); begin = end) {
        for (end = begin + 1; end < units.size() && all.combining_class(units[end].code) != 0;) ++end;
        const bool starts = all.combining_class(units[begin].code) == 0;
        if (end - begin > 1) sort_by_class(units.data() + begin + (starts ? 1 : 0), units.data() + end);
    }
}

// Joins marks with the starter before them where nothing of the same or a higher class is in between.
void compose(std::vector<NormalizedUnit>& units) {
    const NormalTables& all = tables();
    constexpr size_t none = ~size_t(0);
    size_t starter = none, kept = 0;
    int last_class = -1;  // of the marks kept since the starter; -1: there are none
    for (const NormalizedUnit unit : units) {
        const int own = all.combining_class(unit.code);
        if (starter != none && last_class < own) {
            if (const char32_t joined = all.composition(units[starter].code, unit.code)) {
                units[starter].code = joined;
                units[starter].change += unit.change - 1;
                continue;
            }
        }
        if (own == 0) {
            starter = kept;
            last_class = -1;
        } else {
            last_class = own;
        }
        units[kept++] = unit;
    }
    units.resize(kept);
}

}  // namespace

bool is_boundary(char32_t code, parts::NormalForm form) {
    return code < 0x80 || (tables().behavior(code) & (bit_of(form) | has_class)) == 0;
}

void normalize_segment(const std::vector<char32_t>& segment, parts::NormalForm form,
                       std::vector<NormalizedUnit>& normalized) {
    normalized.clear();
    for (const char32_t code : segment) decompose(code, is_compatible(form), normalized);
    order(normalized);
    if (composes(form)) compose(normalized);
}

Segment next_segment(std::string_view text, size_t at, parts::NormalForm form) {
    size_t begin = at;
    while (at < text.size()) {
        const size_t after_ascii = ascii_end(text, at);
        if (after_ascii > at) begin = after_ascii - 1;
        if (after_ascii == text.size()) break;
        const Unit unit = unit_at(text, after_ascii);
        if (!is_boundary(unit.code, form)) {
            size_t end = after_ascii + unit.length;
            while (end < text.size()) {
                const Unit next = unit_at(text, end);
                if (is_boundary(next.code, form)) break;
                end += next.length;
            }
            return {begin, end};
        }
        begin = after_ascii;
        at = after_ascii + unit.length;
    }
    return {text.size(), text.size()};
}

std::string normal_form(std::string_view text, parts::NormalForm form) {
    std::string out;
    std::vector<char32_t> segment;
    std::vector<NormalizedUnit> normalized;
    for (size_t at = 0; at < text.size();) {
        const Segment next = next_segment(text, at, form);
        out.append(text.substr(at, next.begin - at));
        segment.clear();
        for (size_t i = next.begin; i < next.end;) {
            const Unit unit = unit_at(text, i);
            segment.push_back(unit.code);
            i += unit.length;
        }
        normalize_segment(segment, form, normalized);
        for (const NormalizedUnit& unit : normalized) append_unit(out, unit.code);
        at = next.end;
    }
    return out;
}

}  // namespace gradus
