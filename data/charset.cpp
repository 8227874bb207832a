#include "data/charset.h"

#include <iconv.h>
#include <uchardet/uchardet.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/decode.h"
#include "data/encoding.h"
#include "data/html_prescan.h"
#include "data/text.h"

namespace gradus {

namespace {

constexpr size_t guess_window = 256 << 10;  // bytes that uchardet gets
constexpr size_t bytes_per_tolerated_error = 1000;

struct CloseConverter {
    void operator()(void* converter) const { ::iconv_close(static_cast<iconv_t>(converter)); }
};

// For guesses outside the web's encodings (IBM852, EUC-TW, VISCII, …). Empty if the C library does not know the
// encoding either.
std::optional<std::string> convert_by_library(std::string_view bytes, const std::string& encoding) {
    const iconv_t opened = ::iconv_open("UTF-8", encoding.c_str());
    if (opened == iconv_t(-1)) return std::nullopt;
    const std::unique_ptr<void, CloseConverter> converter(opened);
    const size_t unit = encoding.rfind("UTF-32", 0) == 0 ? 4 : 1;  // the only multi-byte unit among uchardet's results
    std::string text;
    text.reserve(bytes.size() + bytes.size() / 2);
    std::vector<char> buffer(64 << 10);
    char* in = const_cast<char*>(bytes.data());
    size_t left = bytes.size();
    auto next = [&](char** from) {  // converts until the buffer is full; nullptr: flushes the converter
        char* out = buffer.data();
        size_t room = buffer.size();
        const size_t status = ::iconv(opened, from, &left, &out, &room);
        const int problem = status == size_t(-1) ? errno : 0;
        text.append(buffer.data(), size_t(out - buffer.data()));
        return problem;
    };
    while (left > 0) {
        const int problem = next(&in);
        if (problem == 0 || problem == E2BIG) continue;
        text += "\xEF\xBF\xBD";
        if (problem == EINVAL) break;  // the last character is truncated
        const size_t skipped = std::min(left, unit);
        in += skipped, left -= skipped;
    }
    next(nullptr);
    return text;
}

bool is_nearly_utf8(std::string_view bytes) {
    if (is_valid_utf8(bytes)) return true;
    const Utf8Counts counts = count_utf8(bytes);
    return counts.ill_formed <= bytes.size() / bytes_per_tolerated_error && counts.ill_formed < counts.non_ascii;
}

bool is_ascii(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return uint8_t(c) < 0x80; });
}

// Text in such an encoding can consist of ASCII bytes only and still mean other characters.
bool writes_only_ascii(Decoder decoder) { return decoder == Decoder::iso_2022_jp || decoder == Decoder::replacement; }

bool is_utf16(Decoder decoder) { return decoder == Decoder::utf16_be || decoder == Decoder::utf16_le; }

const Encoding* declared(std::string_view bytes, Markup markup) {
    if (markup == Markup::none) return nullptr;
    if (markup == Markup::xml)
        if (const Encoding* encoding = xml_encoding(bytes)) return encoding;
    if (const Encoding* encoding = prescan_html(bytes)) return encoding;
    return late_meta(bytes);
}

std::string guessed_charset(std::string_view bytes) {
    struct Delete {
        void operator()(uchardet* detector) const { uchardet_delete(detector); }
    };
    const std::unique_ptr<uchardet, Delete> detector(uchardet_new());
    uchardet_handle_data(detector.get(), bytes.data(), std::min(bytes.size(), guess_window));
    uchardet_data_end(detector.get());
    return uchardet_get_charset(detector.get());
}

std::optional<std::string> decode_guess(std::string_view bytes) {
    const std::string guess = guessed_charset(bytes);
    if (guess.empty()) return std::nullopt;
    const Encoding* const encoding = encoding_of_label(guess);
    if (encoding && encoding->decoder != Decoder::replacement) return decode(bytes, *encoding);
    return convert_by_library(bytes, guess);
}

}  // namespace

std::string to_utf8(std::string_view bytes, Markup markup) {
    if (bytes.substr(0, 3) == "\xEF\xBB\xBF") return repair_utf8(bytes.substr(3));
    if (bytes.substr(0, 2) == "\xFF\xFE") return *decode(bytes.substr(2), *encoding_of_label("utf-16le"));
    if (bytes.substr(0, 2) == "\xFE\xFF") return *decode(bytes.substr(2), *encoding_of_label("utf-16be"));

    const Encoding* const page = declared(bytes, markup);
    if (page && (is_utf16(page->decoder) || (writes_only_ascii(page->decoder) && is_ascii(bytes))))
        if (auto text = decode(bytes, *page)) return *text;
    if (is_nearly_utf8(bytes)) return repair_utf8(bytes);
    // These bytes are not UTF-8, whatever the page says.
    if (page && page->decoder != Decoder::utf8)
        if (auto text = decode(bytes, *page)) return *text;
    if (auto text = decode_guess(bytes)) return *text;
    if (auto text = decode(bytes, *encoding_of_label("windows-1252"))) return *text;
    return repair_utf8(bytes);
}

}  // namespace gradus
