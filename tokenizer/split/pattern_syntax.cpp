// One pass over the pattern, with a stack of the open groups.
#include "tokenizer/split/pattern_syntax.h"

#include <cctype>
#include <vector>

#include "tokenizer/split/character_class.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

class Translation {
public:
    explicit Translation(std::string_view pattern) : pattern_(pattern) {}

    std::string run() {
        while (at_ < pattern_.size()) {
            switch (pattern_[at_]) {
                case '\\': escape(); break;
                case '[': atom([&] { out_ += write_class(bracket_class(pattern_, at_)); }); break;
                case '(': open(); break;
                case ')': close(); break;
                case '{': braces(); break;
                case '*':
                case '+':
                case '?': quantifier(); break;
                case '|': copy(1); break;
                default: atom([&] { copy(unit_at(pattern_, at_).length); });
            }
        }
        if (!groups_.empty()) refuse_pattern(pattern_, "a ( has no )");
        out_.append(options_to_close_, ')');
        return out_;
    }

private:
    struct Group {
        size_t begin;             // in the output
        size_t options_to_close;  // of the group around it
    };

    void copy(size_t length) {
        out_ += pattern_.substr(at_, length);
        at_ += length;
    }

    template <class Write>
    void atom(Write&& write) {
        atom_ = out_.size();
        write();
    }

    char peek(size_t ahead) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }

    void escape() {
        const char letter = peek(1);
        CharacterClass named;
        if (letter == '\0') refuse_pattern(pattern_, "it ends with a backslash");
        if ((letter == 'p' || letter == 'P') && peek(2) == '{') {
            const size_t end = pattern_.find('}', at_);
            if (end == pattern_.npos) refuse_pattern(pattern_, "a { after \\p has no }");
            named = property_class(pattern_.substr(at_ + 3, end - at_ - 3));
            named.negated ^= letter == 'P';
            at_ = end + 1;
            return atom([&] { out_ += write_class(named); });
        }
        if (escape_class(letter, named)) {
            at_ += 2;
            return atom([&] { out_ += write_class(named); });
        }
        switch (letter) {
            case 'b': return word_boundary("(?:(?<=", ")(?!", ")|(?<!", ")(?=", "))");
            case 'B': return word_boundary("(?:(?<=", ")(?=", ")|(?<!", ")(?!", "))");
            case 'y':
            case 'Y': refuse_pattern(pattern_, "text segment boundaries (\\y and \\Y) are not supported");
            case 'O': at_ += 2; return atom([&] { out_ += "(?s:.)"; });
            case 'A':
            case 'z':
            case 'Z':
            case 'G':
            case 'K':
            case 'R':
            case 'X':
            case 'N': return atom([&] { copy(2); });
            case 'k':
            case 'g': return reference();
            default: break;
        }
        if (letter >= '1' && letter <= '9') return atom([&] { copy(2); });
        at_ += 1;
        const char32_t code = escaped_character(pattern_, at_);
        atom([&] {
            char text[16];
            std::snprintf(text, sizeof text, "\\x{%X}", unsigned(code));
            out_ += text;
        });
    }

    void word_boundary(const char* before, const char* then, const char* other, const char* otherwise,
                       const char* end) {
        CharacterClass word;
        escape_class('w', word);
        const std::string text = write_class(word);
        at_ += 2;
        atom([&] { out_ += before + text + then + text + other + text + otherwise + text + end; });
    }

    void reference() {
        const char closing = peek(2) == '<' ? '>' : peek(2) == '\'' ? '\'' : '\0';
        const size_t end = closing ? pattern_.find(closing, at_ + 3) : pattern_.npos;
        if (end == pattern_.npos) refuse_pattern(pattern_, "a reference to a group has no name");
        atom([&] { copy(end + 1 - at_); });
    }

    void open() {
        const size_t begin = out_.size();
        if (peek(1) == '?') {
            if (peek(2) == '#') {
                const size_t end = pattern_.find(')', at_);
                if (end == pattern_.npos) refuse_pattern(pattern_, "a comment has no )");
                at_ = end + 1;
                return;
            }
            if (peek(2) == '~' || peek(2) == '(')
                refuse_pattern(pattern_, "absent operators and conditions are not supported");
            if (std::isalpha(static_cast<unsigned char>(peek(2))) || peek(2) == '-') return options(begin);
        }
        groups_.push_back({begin, options_to_close_});
        options_to_close_ = 0;
        copy(1);
        while (at_ < pattern_.size() && (pattern_[at_] == '?' || pattern_[at_] == ':' || pattern_[at_] == '=' ||
                                         pattern_[at_] == '!' || pattern_[at_] == '<' || pattern_[at_] == '>')) {
            if (out_.size() == begin + 1 && pattern_[at_] != '?') break;  // a group that begins with one of these
            const char last = pattern_[at_];
            copy(1);
            if (last == ':' || last == '=' || last == '!' || last == '>') break;
        }
        atom_ = none;
    }

    // (?imx-imx) and (?imx-imx:
    void options(size_t begin) {
        std::string letters;
        for (at_ += 2; at_ < pattern_.size() && pattern_[at_] != ')' && pattern_[at_] != ':'; ++at_) {
            const char letter = pattern_[at_];
            if (letter == 'm') letters += 's';
            else if (letter == 'i' || letter == 'x' || letter == '-') letters += letter;
            else refuse_pattern(pattern_, std::string("the option '") + letter + "' is not supported");
        }
        if (at_ == pattern_.size()) refuse_pattern(pattern_, "a ( has no )");
        out_ += "(?" + letters + ":";
        if (pattern_[at_++] == ')') {
            ++options_to_close_;
        } else {
            groups_.push_back({begin, options_to_close_});
            options_to_close_ = 0;
        }
        atom_ = none;
    }

    void close() {
        if (groups_.empty()) refuse_pattern(pattern_, "a ) has no (");
        out_.append(options_to_close_, ')');
        options_to_close_ = groups_.back().options_to_close;
        atom_ = groups_.back().begin;
        groups_.pop_back();
        copy(1);
    }

    void quantifier() {
        copy(1);
        if (peek(0) == '?' || peek(0) == '+') copy(1);  // lazy or possessive
    }

    // {n}, {n,}, {n,m} and {,m}; anything else is an ordinary brace.
    void braces() {
        size_t end = at_ + 1;
        std::string least, most;
        while (end < pattern_.size() && std::isdigit(static_cast<unsigned char>(pattern_[end])))
            least += pattern_[end++];
        const bool is_range = end < pattern_.size() && pattern_[end] == ',';
        if (is_range) ++end;
        while (is_range && end < pattern_.size() && std::isdigit(static_cast<unsigned char>(pattern_[end])))
            most += pattern_[end++];
        if (end >= pattern_.size() || pattern_[end] != '}' || (least.empty() && most.empty()) || atom_ == none) {
            at_ += 1;
            return atom([&] { out_ += "\\{"; });
        }
        at_ = end + 1;
        out_ += "{" + (least.empty() ? "0" : least) + (is_range ? "," + most : "") + "}";
        const bool nested = peek(0) == '+' || (peek(0) == '?' && !is_range);
        if (nested) {
            out_.insert(atom_, "(?:");
            out_ += ")";
        } else if (peek(0) == '?') {
            copy(1);
        }
    }

    static constexpr size_t none = ~size_t(0);

    std::string_view pattern_;
    size_t at_ = 0, atom_ = none;
    std::string out_;
    std::vector<Group> groups_;
    size_t options_to_close_ = 0;  // groups that (?i) and the like began in this group
};

}  // namespace

std::string pattern_for_pcre2(std::string_view pattern) { return Translation(pattern).run(); }

}  // namespace gradus
