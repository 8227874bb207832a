// Texts by std::string_view::find, regular expressions by PCRE2.
#include "tokenizer/split/text_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <optional>

#include "engine/base/error.h"
#include "tokenizer/scan/scan.h"
#include "tokenizer/split/pattern_syntax.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

// Bounds of one search, far above what a tokenizer's pattern takes on text.
constexpr uint32_t most_steps = 50'000'000;
constexpr size_t most_stack_bytes = 64 << 20;

struct Deleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

std::string message_of(int error) {
    char text[256] = "";
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof text);
    return text;
}

pcre2_jit_stack* stack_of_this_thread(void*) {
    static thread_local const std::unique_ptr<pcre2_jit_stack, Deleter> stack(
        pcre2_jit_stack_create(64 << 10, most_stack_bytes, nullptr));
    return stack.get();
}

// The text with a control character for each byte that is not UTF-8: no letter, number or space, and of the same length. Empty if there is no
// such byte.
std::string without_invalid_bytes(std::string_view text) {
    std::string copy;
    for (size_t at = ascii_end(text, 0); at < text.size(); at = ascii_end(text, at)) {
        const Unit unit = unit_at(text, at);
        if (unit.code >= invalid_byte) {
            if (copy.empty()) copy = text;
            copy[at] = '\x01';
        }
        at += unit.length;
    }
    return copy;
}

class Regex {
public:
    explicit Regex(const std::string& pattern) : pattern_(pattern) {
        const std::string translated = pattern_for_pcre2(pattern);
        int error = 0;
        PCRE2_SIZE at = 0;
        code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                  PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &at,
                                  compile_context()));
        if (!code_)
            throw Error("cannot use the regular expression '" + pattern.substr(0, 200) + "' of the tokenizer",
                        message_of(error), "correct the pattern in the tokenizer's file");
        pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without it matching is slower, not different
        context_.reset(pcre2_match_context_create(nullptr));
        CHECK(context_ != nullptr);
        pcre2_set_match_limit(context_.get(), most_steps);
        pcre2_jit_stack_assign(context_.get(), stack_of_this_thread, nullptr);
    }

    // Calls found(begin, end) for the matches from left to right. An empty match does not follow another one directly.
    template <class Found>
    void each(std::string_view text, Found&& found) const {
        const std::string copy = without_invalid_bytes(text);
        const std::string_view subject = copy.empty() ? text : copy;
        const std::unique_ptr<pcre2_match_data, Deleter> data(
            pcre2_match_data_create_from_pattern(code_.get(), nullptr));
        CHECK(data != nullptr);
        size_t last_end = ~size_t(0);
        for (size_t from = 0; from <= subject.size();) {
            const int result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                                           from, PCRE2_NO_UTF_CHECK, data.get(), context_.get());
            if (result == PCRE2_ERROR_NOMATCH) return;
            if (result < 0) give_up(result, subject.size());
            const PCRE2_SIZE* const offsets = pcre2_get_ovector_pointer(data.get());
            const size_t begin = offsets[0], end = offsets[1];
            if (begin > end) give_up(PCRE2_ERROR_NOMATCH, subject.size());  // \K in an assertion
            if (begin == end && end == last_end) {
                from += from < subject.size() ? unit_at(subject, from).length : 1;
                continue;
            }
            found(begin, end);
            from = last_end = end;
        }
    }

private:
    static pcre2_compile_context* compile_context() {
        static pcre2_compile_context* const context = [] {
            pcre2_compile_context* const made = pcre2_compile_context_create(nullptr);
            pcre2_set_newline(made, PCRE2_NEWLINE_LF);
            return made;
        }();
        return context;
    }

    [[noreturn]] void give_up(int error, size_t size) const {
        throw Error("cannot split a text of " + std::to_string(size) + " bytes by the regular expression '" +
                        pattern_.substr(0, 200) + "' of the tokenizer",
                    message_of(error), "split the text into shorter ones, or use a pattern that backtracks less");
    }

    std::string pattern_;
    std::unique_ptr<pcre2_code, Deleter> code_;
    std::unique_ptr<pcre2_match_context, Deleter> context_;
};

}  // namespace

struct TextSplitter::State {
    parts::Pattern pattern;
    std::optional<KnownPattern> known;
    std::unique_ptr<const Regex> regex;
};

TextSplitter::TextSplitter(parts::Pattern pattern) {
    State state;
    state.pattern = std::move(pattern);
    if (state.pattern.is_regex) state.known = known_pattern(state.pattern.text);
    // An empty text matches between all characters, like an empty expression.
    if ((state.pattern.is_regex || state.pattern.text.empty()) && !state.known)
        state.regex = std::make_unique<Regex>(state.pattern.text);
    state_ = std::make_shared<const State>(std::move(state));
}

const parts::Pattern& TextSplitter::pattern() const { return state_->pattern; }

void TextSplitter::find(std::string_view text, std::vector<TextPart>& parts) const {
    parts.clear();
    if (text.empty()) {
        parts.push_back({0, 0, false});
        return;
    }
    size_t last = 0;
    const auto found = [&](size_t begin, size_t end) {
        if (last != begin) parts.push_back({last, begin, false});
        parts.push_back({begin, end, true});
        last = end;
    };
    if (state_->known) {
        for_each_piece(*state_->known, text, [&](std::string_view piece) { found(last, last + piece.size()); });
    } else if (state_->regex) {
        state_->regex->each(text, found);
    } else {
        const std::string& wanted = state_->pattern.text;
        for (size_t at = 0; (at = text.find(wanted, at)) != text.npos; at += wanted.size())
            found(at, at + wanted.size());
    }
    if (last != text.size()) parts.push_back({last, text.size(), false});
}

}  // namespace gradus
