#include "data/html_scripts.h"

#include <algorithm>
#include <cstdint>

#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr size_t longest_script = 24;  // bytes; longer ones are small print

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_beyond_ascii(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || uint8_t(c) >= 0x80;
}
bool is_word(char c) { return is_digit(c) || is_letter_or_beyond_ascii(c); }

template <class Test>
bool all(std::string_view text, Test test) {
    return std::all_of(text.begin(), text.end(), test);
}

size_t characters(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (uint8_t(c) & 0xC0) != 0x80; }));
}

// Empty if one of its characters has no such form.
std::string in_unicode(Script script, std::string_view content) {
    struct Form {
        std::string_view plain, super, sub;
    };
    static constexpr Form forms[] = {
        {"0", "⁰", "₀"}, {"1", "¹", "₁"}, {"2", "²", "₂"}, {"3", "³", "₃"}, {"4", "⁴", "₄"}, {"5", "⁵", "₅"},
        {"6", "⁶", "₆"}, {"7", "⁷", "₇"}, {"8", "⁸", "₈"}, {"9", "⁹", "₉"}, {"+", "⁺", "₊"}, {"-", "⁻", "₋"},
        {"−", "⁻", "₋"}, {"–", "⁻", "₋"}, {"=", "⁼", "₌"}, {"(", "⁽", "₍"}, {")", "⁾", "₎"},
    };
    std::string text;
    while (!content.empty()) {
        const auto form = std::find_if(std::begin(forms), std::end(forms),
                                       [&](const Form& f) { return content.substr(0, f.plain.size()) == f.plain; });
        if (form == std::end(forms)) return "";
        text += script == Script::super ? form->super : form->sub;
        content.remove_prefix(form->plain.size());
    }
    return text;
}

// Ordinals and abbreviations: 1st, 2nd, 3e, XIXe, Mme, no, ACME TM.
bool is_spoken_with(std::string_view before, std::string_view content) {
    static constexpr std::string_view ordinals[] = {"st",  "nd",  "rd",   "th",   "er", "re", "ère", "e",  "ème",
                                                    "eme", "nde", "ième", "ieme", "o",  "a",  "os",  "as", "r",
                                                    "ra",  "da",  "ta",   "ma",   "va", "na", "ro",  "do", "to"};
    static constexpr std::string_view endings[] = {"tm",  "TM",   "sm", "SM", "me", "lle",
                                                   "mes", "lles", "gr", "os", "ts"};
    auto one_of = [&](const auto& list) {
        return std::find(std::begin(list), std::end(list), content) != std::end(list);
    };
    const char last = before.back();
    const bool numeral = std::string_view("IVXLCDM").find(last) != std::string_view::npos;
    if ((is_digit(last) || numeral) && one_of(ordinals)) return true;
    if ((last == 'n' || last == 'N') && (content == "o" || content == "os")) return true;
    return (is_letter_or_beyond_ascii(last) || last == '.') && one_of(endings);
}

// The letters and digits at the end of a text.
std::string_view last_word(std::string_view text) {
    size_t at = text.size();
    while (at > 0 && is_word(text[at - 1])) --at;
    return text.substr(at);
}

}  // namespace

std::string script_text(Script script, std::string_view content, std::string_view before, bool is_note) {
    const std::string text(content);
    if (content.empty() || content[0] == '[') return text;
    if (is_note) return all(content, is_word) || content.size() > 1 ? "[" + text + "]" : text;
    if (const std::string exact = in_unicode(script, content); !exact.empty()) return exact;
    if (before.empty()) return text;
    const bool spaces = content.find(' ') != std::string_view::npos;
    if (content.size() > longest_script || (spaces && all(content, [](char c) { return is_word(c) || c == ' '; })))
        return is_word(before.back()) ? " " + text : text;
    const bool letters = all(content, is_letter_or_beyond_ascii);
    if (script == Script::sub) return all(content, is_word) ? "_" + text : "_(" + text + ")";
    // Marks such as * † ‡ § ™ ® ° ′: no ASCII letter or digit.
    const bool mark = characters(content) == 1 && !is_word(content[0]);
    const char32_t first = decode_utf8(content.data(), content.data() + content.size()).code;
    const bool sign = first >= 0x80 && (first < 0xC0 || (first >= 0x2000 && first < 0x2C00));
    if (mark || (letters && sign) || is_spoken_with(before, content)) return text;
    if (letters && characters(content) >= 3 && characters(last_word(before)) > 1) return " " + text;
    return characters(content) == 1 ? "^" + text : "^(" + text + ")";
}

}  // namespace gradus
