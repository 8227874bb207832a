// Names of classes, and the parser of brackets.
#include "tokenizer/split/character_class.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "engine/base/error.h"
#include "tokenizer/unicode/properties.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

struct CategoryName {
    std::string_view brief, full;
};
constexpr std::array<CategoryName, 30> category_names = {{
    {"lu", "uppercaseletter"},    {"ll", "lowercaseletter"},  {"lt", "titlecaseletter"},
    {"lm", "modifierletter"},     {"lo", "otherletter"},      {"mn", "nonspacingmark"},
    {"mc", "spacingmark"},        {"me", "enclosingmark"},    {"nd", "decimalnumber"},
    {"nl", "letternumber"},       {"no", "othernumber"},      {"pc", "connectorpunctuation"},
    {"pd", "dashpunctuation"},    {"ps", "openpunctuation"},  {"pe", "closepunctuation"},
    {"pi", "initialpunctuation"}, {"pf", "finalpunctuation"}, {"po", "otherpunctuation"},
    {"sm", "mathsymbol"},         {"sc", "currencysymbol"},   {"sk", "modifiersymbol"},
    {"so", "othersymbol"},        {"zs", "spaceseparator"},   {"zl", "lineseparator"},
    {"zp", "paragraphseparator"}, {"cc", "control"},          {"cf", "format"},
    {"cs", "surrogate"},          {"co", "privateuse"},       {"cn", "unassigned"},
}};
constexpr std::array<CategoryName, 7> group_names = {{
    {"l", "letter"},
    {"m", "mark"},
    {"n", "number"},
    {"p", "punctuation"},
    {"s", "symbol"},
    {"z", "separator"},
    {"c", "other"},
}};

template <class Contains>
CodeSet having(Contains&& contains) {
    return CodeSet::where([&](char32_t code) { return contains(properties_of(code)); });
}

bool is_category(Category category, char group) { return category_names[size_t(category)].brief[0] == group; }

bool is_graph(const Properties& code) {
    const Category category = code.category();
    return !code.is_white_space() && category != Category::Cc && category != Category::Cn && category != Category::Cs;
}

std::optional<CodeSet> named_set(const std::string& name) {
    for (size_t i = 0; i < category_names.size(); ++i)
        if (name == category_names[i].brief || name == category_names[i].full)
            return having([&](Properties code) { return size_t(code.category()) == i; });
    for (const CategoryName& group : group_names)
        if (name == group.brief || name == group.full)
            return having([&](Properties code) { return is_category(code.category(), group.brief[0]); });
    if (name == "punct") return having([](Properties code) { return is_category(code.category(), 'p'); });
    if (name == "any") return CodeSet(0, 0x10FFFF);
    if (name == "assigned") return having([](Properties code) { return code.category() != Category::Cn; });
    if (name == "ascii") return CodeSet(0, 0x7F);
    if (name == "alpha" || name == "alphabetic") return having([](Properties code) { return code.is_alphabetic(); });
    if (name == "alnum")
        return having([](Properties code) { return code.is_alphabetic() || code.category() == Category::Nd; });
    if (name == "upper" || name == "uppercase") return having([](Properties code) { return code.is_uppercase(); });
    if (name == "lower" || name == "lowercase") return having([](Properties code) { return code.is_lowercase(); });
    if (name == "space" || name == "whitespace") return having([](Properties code) { return code.is_white_space(); });
    if (name == "word") return having([](Properties code) { return code.is_pattern_word(); });
    if (name == "digit") return having([](Properties code) { return code.category() == Category::Nd; });
    if (name == "cntrl") return having([](Properties code) { return code.category() == Category::Cc; });
    if (name == "graph") return having(is_graph);
    if (name == "print")
        return having([](Properties code) { return is_graph(code) || code.category() == Category::Zs; });
    if (name == "blank")
        return CodeSet::where([](char32_t c) { return c == '\t' || properties_of(c).category() == Category::Zs; });
    if (name == "xdigit") {
        CodeSet set('0', '9');
        set.add(CodeSet('A', 'F'));
        set.add(CodeSet('a', 'f'));
        return set;
    }
    if (const std::optional<uint32_t> script = find_script(name))
        return CodeSet::where([&](char32_t code) { return script_of(code) == *script; });
    return std::nullopt;
}

constexpr int deepest = 32;  // classes in classes

CharacterClass bracket_at(std::string_view pattern, size_t& at, int depth);

// The item at `at`: a class, or a character, which may begin a range.
struct Item {
    std::optional<CodeSet> set;
    char32_t code = 0;
};

// In brackets, and only there, word characters are without six numbers of Latin-1.
CodeSet set_in_brackets(const CharacterClass& named) {
    static const CodeSet words = having([](Properties code) { return code.is_pattern_word(); });
    if (named.set != words) return named.resolved();
    return CharacterClass{
        having([](Properties code) { return code.is_pattern_word() && code.category() != Category::No; }),
        named.negated}
        .resolved();
}

Item item_at(std::string_view pattern, size_t& at, int depth) {
    if (pattern[at] == '[') {
        if (const size_t end = pattern.substr(at, 2) == "[:" ? pattern.find(":]", at) : pattern.npos;
            end != pattern.npos) {
            const std::string_view name = pattern.substr(at + 2, end - at - 2);
            at = end + 2;
            CharacterClass named = property_class(name);
            if (name.ends_with("punct")) named.set.add(property_class("S").set);  // \p{Punct} is without symbols
            return {set_in_brackets(named)};
        }
        return {bracket_at(pattern, at, depth + 1).resolved()};
    }
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
        CharacterClass named;
        const char letter = pattern[at + 1];
        if ((letter == 'p' || letter == 'P') && at + 2 < pattern.size() && pattern[at + 2] == '{') {
            const size_t end = pattern.find('}', at);
            if (end == pattern.npos) refuse_pattern(pattern, "a { after \\p has no }");
            named = property_class(pattern.substr(at + 3, end - at - 3));
            named.negated ^= letter == 'P';
            at = end + 1;
            return {set_in_brackets(named)};
        }
        at += 1;
        if (escape_class(letter, named)) {
            at += 1;
            return {set_in_brackets(named)};
        }
        return {std::nullopt, letter == 'b' ? (++at, U'\b') : escaped_character(pattern, at)};
    }
    const Unit unit = unit_at(pattern, at);
    at += unit.length;
    return {std::nullopt, unit.code};
}

CharacterClass bracket_at(std::string_view pattern, size_t& at, int depth) {
    if (depth > deepest) refuse_pattern(pattern, "more than " + std::to_string(deepest) + " classes in each other");
    CharacterClass result;
    std::optional<CodeSet> left;  // of &&
    const auto combined = [&](CodeSet right) { return left ? left->intersection(right) : right; };
    ++at;
    if (at < pattern.size() && pattern[at] == '^') {
        result.negated = true;
        ++at;
    }
    for (bool first = true;; first = false) {
        if (at >= pattern.size()) refuse_pattern(pattern, "a [ has no ]");
        if (pattern[at] == ']' && !first) break;
        if (pattern.substr(at, 2) == "&&") {
            left = combined(std::move(result.set));
            result.set = {};
            at += 2;
            continue;
        }
        const Item item = item_at(pattern, at, depth);
        if (item.set) {
            result.set.add(*item.set);
            continue;
        }
        char32_t last = item.code;
        if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
            size_t after = at + 1;
            const Item end = item_at(pattern, after, depth);
            if (!end.set) {
                at = after;
                last = end.code;
                if (last < item.code) refuse_pattern(pattern, "a range of characters ends before it begins");
            }
        }
        if (last > 0x10FFFF) refuse_pattern(pattern, "it is not UTF-8");
        result.set.add(CodeSet(item.code, last));
    }
    ++at;
    result.set = combined(std::move(result.set));
    return result;
}

uint32_t hex_digit(char c) {
    if (c >= '0' && c <= '9') return uint32_t(c - '0');
    const char lower = char(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? uint32_t(lower - 'a' + 10) : 16;
}

}  // namespace

CharacterClass property_class(std::string_view name) {
    std::string folded;
    bool negated = false;
    for (const char c : name) {
        if (c == '^' && folded.empty()) negated = !negated;
        else if (c != ' ' && c != '-' && c != '_') folded += c >= 'A' && c <= 'Z' ? char(c | 0x20) : c;
    }
    if (std::optional<CodeSet> set = named_set(folded)) return {std::move(*set), negated};
    throw Error("cannot use the regular expression of the tokenizer",
                "there is no character property '" + std::string(name) + "'",
                "use a general category such as L, a script such as Han, or a name such as Alphabetic");
}

bool escape_class(char letter, CharacterClass& out) {
    switch (letter | 0x20) {
        case 'd': out = property_class("digit"); break;
        case 'w': out.set = having([](Properties code) { return code.is_pattern_word(); }); break;
        case 's': out = property_class("space"); break;
        case 'h': out = property_class("xdigit"); break;
        default: return false;
    }
    out.negated = (letter & 0x20) == 0;
    return true;
}

CharacterClass bracket_class(std::string_view pattern, size_t& at) { return bracket_at(pattern, at, 0); }

char32_t escaped_character(std::string_view pattern, size_t& at) {
    const auto number = [&](size_t most) {
        uint32_t code = 0;
        for (size_t i = 0; i < most && at < pattern.size() && hex_digit(pattern[at]) < 16; ++i, ++at)
            code = code << 4 | hex_digit(pattern[at]);
        if (code > 0x10FFFF) refuse_pattern(pattern, "there is no code point of this number");
        return char32_t(code);
    };
    if (at >= pattern.size()) refuse_pattern(pattern, "it ends with a backslash");
    const char letter = pattern[at];
    switch (letter) {
        case 'n': ++at; return '\n';
        case 't': ++at; return '\t';
        case 'r': ++at; return '\r';
        case 'f': ++at; return '\f';
        case 'v': ++at; return '\v';
        case 'a': ++at; return '\a';
        case 'e': ++at; return 0x1B;
        case 'u': ++at; return number(4);
        case 'x': {
            ++at;
            if (at >= pattern.size() || pattern[at] != '{') return number(2);
            ++at;
            const char32_t code = number(8);
            if (at >= pattern.size() || pattern[at] != '}') refuse_pattern(pattern, "a { after \\x has no }");
            ++at;
            return code;
        }
        default: break;
    }
    if (letter == '0') {
        char32_t code = 0;
        for (int i = 0; i < 3 && at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '7'; ++i, ++at)
            code = code << 3 | char32_t(pattern[at] - '0');
        return code;
    }
    const Unit unit = unit_at(pattern, at);
    at += unit.length;
    return unit.code;
}

std::string write_class(const CharacterClass& character_class) {
    const auto hex = [](char32_t code) {
        char text[16];
        std::snprintf(text, sizeof text, "\\x{%X}", unsigned(code));
        return std::string(text);
    };
    std::string ranges;
    const auto write = [&](char32_t first, char32_t last) {
        if (first > last) return;
        ranges += hex(first);
        if (last > first) ranges += "-" + hex(last);
    };
    for (const CodeRange range : character_class.set.ranges()) {  // without surrogates, which PCRE2 refuses
        write(range.first, std::min<char32_t>(range.last, 0xD7FF));
        write(std::max<char32_t>(range.first, 0xE000), range.last);
    }
    if (ranges.empty()) return character_class.negated ? "[\\x{0}-\\x{10FFFF}]" : "(?!)";
    return (character_class.negated ? "[^" : "[") + ranges + "]";
}

void refuse_pattern(std::string_view pattern, const std::string& cause) {
    throw Error("cannot use the regular expression '" + std::string(pattern.substr(0, 200)) + "' of the tokenizer",
                cause, "correct the pattern in the tokenizer's file");
}

}  // namespace gradus
