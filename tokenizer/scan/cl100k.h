#pragma once
// The pattern of GPT-3.5 and GPT-4 (cl100k), which Llama 3 has too, and with single digits Qwen2.
//
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// A word may begin with any one character that is no letter, number or line break; numbers are cut into threes; punctuation takes the
// line breaks after it; white space ends after its last line break, and what is left is as in GPT-2's pattern.
// Source: tiktoken_ext/openai_public.py; tokenizer.json of Llama 3 and Qwen2.
#include "tokenizer/scan/blocks.h"

namespace gradus {

// The length of a contraction in any case at the apostrophe `at`, or 0. U+017F is an s that is not ASCII.
inline int any_case_contraction(const char* at, const char* end) {
    if (end - at < 2) return 0;
    const char first = char(at[1] | 0x20);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
    if (end - at < 3) return 0;
    if (at[1] == '\xC5' && at[2] == '\xBF') return 3;
    const char second = char(at[2] | 0x20);
    return (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l') ? 3
                                                                                                                 : 0;
}

// White space at `at` by \s*[\r\n]+|\s+(?!\S)|\s+
inline const char* white_space_end(const char* at, const char* end) {
    const char* after_newline = nullptr;
    const char* last = at;
    const char* next = at;
    while (next < end) {
        const Classified character = classify(next, end);
        if (character.of != CharClass::space) break;
        if (is_newline(*next)) after_newline = next + 1;
        last = next;
        next += character.length;
    }
    if (after_newline) return after_newline;
    return next == end || last == at ? next : last;
}

template <int digits>
struct Cl100kPattern {
    static const char* piece_end(const char* at, const char* end) {
        if (*at == '\'')
            if (const int length = any_case_contraction(at, end)) return at + length;
        const Classified first = classify(at, end);
        if (first.of == CharClass::letter) return run_end<CharClass::letter>(at + first.length, end);
        if (first.of == CharClass::number) {
            const char* next = at + first.length;
            for (int count = 1; count < digits && next < end; ++count) {
                const Classified digit = classify(next, end);
                if (digit.of != CharClass::number) break;
                next += digit.length;
            }
            return next;
        }
        const char* const second = at + first.length;
        if (second < end && !is_newline(*at) && classify(second, end).of == CharClass::letter)
            return run_end<CharClass::letter>(second, end);
        if (first.of == CharClass::other ||
            (*at == ' ' && second < end && classify(second, end).of == CharClass::other)) {
            const char* next = run_end<CharClass::other>(second, end);
            while (next < end && is_newline(*next)) ++next;
            return next;
        }
        return white_space_end(at, end);
    }

    static uint64_t starts(const char* at, const ByteMasks& m) {
        const uint64_t others = m.others(), white = m.white();
        const uint64_t first_others = others & ~(others << 1) & ~(m.spaces << 1);
        // Line breaks after punctuation belong to it: a sum carries through the run that begins there.
        const uint64_t taken = m.newlines & ~(m.newlines + (m.newlines & others << 1));
        const uint64_t rest = white & ~taken;
        uint64_t starts = first_others | (rest & ~(rest << 1)) | (m.blanks & ~(white >> 1));
        starts |= m.letters & ~(m.letters << 1) & ~(m.blanks << 1) & ~(m.last_bytes(first_others) << 1);
        starts |= numbers_of(m);
        // Blanks after a line break begin a piece, unless another line break follows them: then all is one.
        for (uint64_t blanks = m.blanks & (m.newlines & ~taken) << 1; blanks != 0; blanks &= blanks - 1) {
            const int first = std::countr_zero(blanks), next = first + std::countr_one(m.blanks >> first);
            if (next >= 63) return without_contractions(at, m, starts & below(first), white);
            if (!(m.newlines >> next & 1)) starts |= uint64_t(1) << first;
        }
        return without_contractions(at, m, starts, white);
    }

private:
    static uint64_t numbers_of(const ByteMasks& m) {
        const uint64_t first = m.numbers & ~(m.numbers << 1);
        if constexpr (digits == 1) return m.numbers;
        uint64_t starts = first;
        for (uint64_t more = first; more != 0; starts |= more)
            more = more << digits & m.numbers & m.numbers << 1 & m.numbers << 2 & m.numbers << 3;
        return starts;
    }

    static uint64_t without_contractions(const char* at, const ByteMasks& m, uint64_t starts, uint64_t white) {
        for (uint64_t quotes = m.quotes & (starts | 1) & below(63); quotes != 0; quotes &= quotes - 1) {
            const int quote = std::countr_zero(quotes),
                      length = any_case_contraction(at + quote, at + block_bytes + lookahead);
            if (length > 0 && quote + length < 64) starts |= uint64_t(1) << (quote + length);
        }
        return decided(decided(starts, m.high_spaces, white), m.high_numbers, m.numbers);
    }
};

}  // namespace gradus
