// The alternatives of Decoder, prepared once and applied in order.
#include "tokenizer/decode/decoder.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/base/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/split/text_splitter.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

using Texts = std::vector<std::string>;
using StepFunction = std::function<void(Texts&)>;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    size_t at = text.find(from);
    if (at == text.npos || from.empty()) return;
    std::string out;
    size_t last = 0;
    for (; at != text.npos; at = text.find(from, last)) {
        out.append(text, last, at - last).append(to);
        last = at + from.size();
    }
    text = out.append(text, last);
}

// English as BERT's tokenizer writes it: no spaces before punctuation and in contractions.
void clean_up(std::string& text) {
    constexpr std::pair<std::string_view, std::string_view> rules[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    for (const auto& [from, to] : rules) replace_all(text, from, to);
}

// The byte of a name like <0x0A>. A plus sign may stand for the first digit, as in Rust's numbers.
std::optional<char> byte_of_name(std::string_view name) {
    if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return std::nullopt;
    int value = 0;
    for (int i = name[3] == '+' ? 4 : 3; i < 5; ++i) {
        const char c = name[size_t(i)], lower = char(c | 0x20);
        if (c >= '0' && c <= '9') value = value * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f') value = value * 16 + (lower - 'a' + 10);
        else return std::nullopt;
    }
    return char(value);
}

std::string only_character(const std::string& text, const char* of) {
    if (!text.empty() && unit_at(text, 0).length == text.size() && unit_at(text, 0).code < invalid_byte) return text;
    throw Error("cannot use the tokenizer's decoder " + std::string(of), "'" + text + "' is not one character",
                "give it one character in the tokenizer's file");
}

void decode_byte_letters(Texts& texts) {
    std::string bytes;
    for (const std::string& text : texts) bytes += alphabet_to_bytes(text).value_or(text);
    texts = {replace_invalid_utf8(bytes)};
}

void decode_bytes(Texts& texts) {
    Texts out;
    std::string bytes;
    const auto flush = [&] {
        if (bytes.empty()) return;
        if (replace_invalid_utf8(bytes) == bytes) out.push_back(bytes);
        else out.insert(out.end(), bytes.size(), "\uFFFD");
        bytes.clear();
    };
    for (std::string& text : texts) {
        if (const std::optional<char> byte = byte_of_name(text)) {
            bytes += *byte;
        } else {
            flush();
            out.push_back(std::move(text));
        }
    }
    flush();
    texts = std::move(out);
}

// Up to `start` times the character at the beginning, then up to `stop` times at the end of what was there.
void strip(std::string& text, const parts::StripDecoder& step) {
    const std::string& character = step.content;
    size_t begin = 0, end = text.size();
    for (size_t i = 0; i < step.start && text.compare(begin, character.size(), character) == 0; ++i)
        begin += character.size();
    for (size_t i = 0; i < step.stop && end >= begin + character.size() &&
                       text.compare(end - character.size(), character.size(), character) == 0;
         ++i)
        end -= character.size();
    text = text.substr(begin, end - begin);
}

StepFunction make(const parts::ByteLevelDecoder&) { return decode_byte_letters; }
StepFunction make(const parts::MetaspaceDecoder& step) {
    return [mark = only_character(step.replacement, "Metaspace"), scheme = step.prepend_scheme](Texts& texts) {
        for (size_t i = 0; i < texts.size(); ++i)
            replace_all(texts[i], mark, i == 0 && scheme != parts::PrependScheme::never ? "" : " ");
    };
}
StepFunction make(const parts::WordPieceDecoder& step) {
    return [step](Texts& texts) {
        for (size_t i = 0; i < texts.size(); ++i) {
            if (i != 0) {
                if (texts[i].starts_with(step.prefix)) texts[i].erase(0, step.prefix.size());
                else texts[i].insert(0, 1, ' ');
            }
            if (step.cleanup) clean_up(texts[i]);
        }
    };
}
StepFunction make(const parts::BpeDecoder& step) {
    return [suffix = step.suffix](Texts& texts) {
        for (size_t i = 0; i < texts.size(); ++i) replace_all(texts[i], suffix, i + 1 == texts.size() ? "" : " ");
    };
}
StepFunction make(const parts::CtcDecoder& step) {
    return [step](Texts& texts) {
        texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
        for (std::string& text : texts) {
            replace_all(text, step.pad_token, "");
            if (!step.cleanup) continue;
            clean_up(text);
            replace_all(text, step.word_delimiter_token, " ");
        }
        std::erase(texts, "");
    };
}
StepFunction make(const parts::ReplaceDecoder& step) {
    return [splitter = TextSplitter(step.pattern), content = step.content](Texts& texts) {
        std::vector<TextPart> parts;
        for (std::string& text : texts) {
            splitter.find(text, parts);
            std::string out;
            for (const TextPart& part : parts)
                out += part.is_match ? content : text.substr(part.begin, part.end - part.begin);
            text = std::move(out);
        }
    };
}
StepFunction make(const parts::FuseDecoder&) {
    return [](Texts& texts) {
        std::string all;
        for (const std::string& text : texts) all += text;
        texts = {all};
    };
}
StepFunction make(const parts::StripDecoder& step) {
    only_character(step.content, "Strip");
    return [step](Texts& texts) {
        for (std::string& text : texts) strip(text, step);
    };
}
StepFunction make(const parts::ByteFallbackDecoder&) { return decode_bytes; }

}  // namespace

TextDecoder::TextDecoder(const std::vector<parts::Decoder>& steps) {
    for (const parts::Decoder& step : steps)
        steps_.push_back(std::visit([](const auto& one) { return make(one); }, step));
}

void TextDecoder::chain(std::vector<std::string>& texts) const {
    for (const StepFunction& step : steps_) step(texts);
}

std::string TextDecoder::operator()(std::vector<std::string> names) const {
    chain(names);
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) {
        if (i != 0 && steps_.empty()) text += ' ';
        text += names[i];
    }
    return text;
}

void decode_chain(const parts::Decoder& step, std::vector<std::string>& texts) { TextDecoder({step}).chain(texts); }

}  // namespace gradus
