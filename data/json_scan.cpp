#include "data/json_scan.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr size_t shown_keys = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_high(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

class Scanner {
public:
    Scanner(std::string_view text, std::string_view key) : text_(text), key_(key) {}

    JsonScan run() {
        scan_.valid = document();
        return std::move(scan_);
    }

private:
    bool document() {
        white();
        scan_.is_object = next() == '{';
        bool more = value();
        while (more && !inside_object_.empty()) more = inside_object_.back() ? member() : element();
        if (!more) return false;
        white();
        return at_ == text_.size() || fail("unexpected text after the value");
    }

    // A scalar value, or the beginning of an array or object.
    bool value() {
        white();
        const bool taken = std::exchange(wanted_, false);
        switch (next()) {
            case '{':
            case '[':
                inside_object_.push_back(next() == '{');
                first_ = true;
                ++at_;
                return true;
            case '"': scan_.is_string = scan_.is_string || taken; return string(taken ? &scan_.text : nullptr);
            case 't': return literal("true");
            case 'f': return literal("false");
            case 'n': return literal("null");
            default: return number();
        }
    }

    // The next member of an object, or its end.
    bool member() {
        bool ended = false;
        if (!separator('}', "expected ',' or '}' in an object", ended)) return false;
        if (ended) return true;
        white();
        if (next() != '"') return fail("expected a key in double quotes");
        const bool outermost = inside_object_.size() == 1;
        std::string name;
        if (!string(outermost ? &name : nullptr)) return false;
        if (outermost) see(name);
        white();
        if (next() != ':') return fail("expected ':' after a key");
        ++at_;
        return value();
    }

    bool element() {
        bool ended = false;
        if (!separator(']', "expected ',' or ']' in an array", ended)) return false;
        return ended || value();
    }

    // A comma between two elements, nothing before the first.
    bool separator(char end, const char* expected, bool& ended) {
        white();
        const bool first = std::exchange(first_, false);
        if (next() == end) {
            inside_object_.pop_back();
            ++at_;
            return ended = true;
        }
        if (first) return true;
        if (next() != ',') return fail(expected);
        ++at_;
        return true;
    }

    void see(const std::string& name) {
        if (scan_.keys.size() <= shown_keys) scan_.keys += (scan_.keys.empty() ? "\"" : ", \"") + name + "\"";
        else if (!scan_.keys.ends_with("…")) scan_.keys += ", …";
        wanted_ = !scan_.has_key && name == key_;
        scan_.has_key = scan_.has_key || wanted_;
    }

    bool literal(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return fail("expected a value");
        at_ += word.size();
        return true;
    }

    bool number() {
        const size_t begin = at_;
        if (next() == '-') ++at_;
        if (next() == '0') ++at_;
        else if (!digits()) return fail(at_ == begin ? "expected a value" : "expected a digit");
        if (next() == '.') {
            ++at_;
            if (!digits()) return fail("expected a digit after the point");
        }
        if (next() == 'e' || next() == 'E') {
            ++at_;
            if (next() == '+' || next() == '-') ++at_;
            if (!digits()) return fail("expected a digit in the exponent");
        }
        return true;
    }
    bool digits() {
        const size_t begin = at_;
        while (is_digit(next())) ++at_;
        return at_ > begin;
    }

    // Called at an opening quote.
    bool string(std::string* out) {
        for (++at_;;) {
            const size_t begin = at_;
            while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && uint8_t(text_[at_]) >= 0x20) ++at_;
            if (out) out->append(text_, begin, at_ - begin);
            if (at_ == text_.size()) return fail("a string is not terminated");
            if (text_[at_] == '"') return ++at_, true;
            if (text_[at_] != '\\') return fail("a control character in a string must be escaped");
            if (!escape(out)) return false;
        }
    }

    bool escape(std::string* out) {
        constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
        const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (const size_t i = names.find(name); i != std::string_view::npos) {
            if (out) *out += values[i];
            at_ += 2;
            return true;
        }
        int unit = name == 'u' ? hex4(at_ + 2) : -1;
        if (unit < 0) return fail("no such escape in a string");
        at_ += 6;
        if (is_high(unit) && text_.substr(at_, 2) == "\\u" && is_low(hex4(at_ + 2))) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (hex4(at_ + 2) - 0xDC00);
            at_ += 6;
        } else if (is_high(unit) || is_low(unit)) {
            unit = 0xFFFD;
        }
        if (out) append_utf8(*out, char32_t(unit));
        return true;
    }

    int hex4(size_t from) const {
        if (text_.size() - std::min(from, text_.size()) < 4) return -1;
        int value = 0;
        for (const char c : text_.substr(from, 4)) {
            const int digit = is_digit(c)            ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) return -1;
            value = value * 16 + digit;
        }
        return value;
    }

    void white() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
            ++at_;
    }
    char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool fail(const char* cause) {
        scan_.column = at_ + 1;
        scan_.cause = cause;
        return false;
    }

    const std::string_view text_, key_;
    size_t at_ = 0;
    std::vector<bool> inside_object_;  // for each open container: object or array?
    bool first_ = false;               // the innermost container has no element yet
    bool wanted_ = false;              // the next value is the one under the key
    JsonScan scan_;
};

}  // namespace

JsonScan scan_json(std::string_view text, std::string_view key) { return Scanner(text, key).run(); }

}  // namespace gradus
