#include "data/charset.h"

#include <iconv.h>
#include <uchardet/uchardet.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "data/text.h"

namespace gradus {

namespace {

constexpr size_t meta_window = 4096;        // browsers look at 1024; real pages put long comments first
constexpr size_t guess_window = 256 << 10;  // what uchardet is shown
constexpr size_t bytes_per_tolerated_error = 1000;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return result;
}

// WHATWG's encoding standard gives old labels to the superset that browsers decode with.
std::string encoding_of_label(std::string_view label) {
    const std::string name = lower(trimmed(label));
    struct Row {
        std::string_view label, encoding;
    };
    static constexpr Row rows[] = {
        {"ascii", "CP1252"},
        {"us-ascii", "CP1252"},
        {"iso-8859-1", "CP1252"},
        {"iso8859-1", "CP1252"},
        {"latin1", "CP1252"},
        {"latin-1", "CP1252"},
        {"l1", "CP1252"},
        {"iso-8859-9", "CP1254"},
        {"iso-8859-11", "CP874"},
        {"tis-620", "CP874"},
        {"gb2312", "GB18030"},
        {"gbk", "GB18030"},
        {"gb_2312-80", "GB18030"},
        {"shift_jis", "CP932"},
        {"shift-jis", "CP932"},
        {"sjis", "CP932"},
        {"x-sjis", "CP932"},
        {"ks_c_5601-1987", "CP949"},
        {"euc-kr", "CP949"},
        {"big5", "BIG5-HKSCS"},
        {"x-gbk", "GB18030"},
        {"unicode", "UTF-16LE"},
        {"utf-16", "UTF-16LE"},
        {"utf8", "UTF-8"},
        {"x-mac-cyrillic", "MAC-CYRILLIC"},
    };
    for (const Row& row : rows)
        if (row.label == name) return std::string(row.encoding);
    return name;
}

// How many bytes a unit has: what is skipped where one makes no sense.
size_t unit_bytes(const std::string& encoding) {
    const std::string name = lower(encoding);
    for (const char* four : {"utf-32", "utf32", "ucs-4", "ucs4"})
        if (name.rfind(four, 0) == 0) return 4;
    for (const char* two : {"utf-16", "utf16", "ucs-2", "ucs2"})
        if (name.rfind(two, 0) == 0) return 2;
    return 1;
}

struct CloseConverter {
    void operator()(void* converter) const { ::iconv_close(static_cast<iconv_t>(converter)); }
};

// Nothing when this machine's iconv does not know the encoding.
std::optional<std::string> convert(std::string_view bytes, const std::string& encoding) {
    const iconv_t opened = ::iconv_open("UTF-8", encoding.c_str());
    if (opened == iconv_t(-1)) return std::nullopt;
    const std::unique_ptr<void, CloseConverter> converter(opened);
    std::string text;
    text.reserve(bytes.size() + bytes.size() / 2);
    std::vector<char> buffer(64 << 10);
    char* in = const_cast<char*>(bytes.data());
    size_t left = bytes.size();
    auto next = [&](char** from) {  // the part that fills the buffer; nullptr: what the converter holds back
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
        if (problem == EINVAL) break;  // the last character is cut off
        const size_t skipped = std::min(left, unit_bytes(encoding));
        in += skipped, left -= skipped;
    }
    next(nullptr);
    return text;
}

bool is_nearly_utf8(std::string_view bytes) {
    if (is_valid_utf8(bytes)) return true;
    const Utf8Census census = count_utf8(bytes);
    return census.ill_formed <= bytes.size() / bytes_per_tolerated_error && census.ill_formed < census.beyond_ascii;
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

}  // namespace

std::string declared_charset(std::string_view html) {
    const std::string head = lower(html.substr(0, meta_window));
    for (size_t at = 0; (at = head.find("<meta", at)) != std::string::npos; at += 5) {
        const std::string_view tag = std::string_view(head).substr(at, head.find('>', at) - at);
        const size_t word = tag.find("charset");
        if (word == std::string_view::npos) continue;
        size_t i = word + 7;
        auto skip_spaces = [&] {
            while (i < tag.size() && is_space(tag[i])) ++i;
        };
        skip_spaces();
        if (i >= tag.size() || tag[i] != '=') continue;
        ++i;
        skip_spaces();
        if (i < tag.size() && (tag[i] == '"' || tag[i] == '\'')) ++i;
        const size_t end = tag.find_first_of("\"'; \t\r\n/>", i);
        return std::string(tag.substr(i, end == std::string_view::npos ? end : end - i));
    }
    return "";
}

std::string to_utf8(std::string_view bytes, Markup markup) {
    if (bytes.substr(0, 3) == "\xEF\xBB\xBF") return repair_utf8(bytes.substr(3));
    if (bytes.substr(0, 2) == "\xFF\xFE" || bytes.substr(0, 2) == "\xFE\xFF") {
        if (auto text = convert(bytes.substr(2), bytes[0] == '\xFF' ? "UTF-16LE" : "UTF-16BE")) return *text;
    }
    if (is_nearly_utf8(bytes)) return repair_utf8(bytes);
    if (markup == Markup::html) {
        // A page whose <meta> could be read as ASCII is not UTF-16, and these bytes are not UTF-8, whatever it says.
        const std::string encoding = encoding_of_label(declared_charset(bytes));
        if (!encoding.empty() && encoding.rfind("utf", 0) != 0 && encoding.rfind("UTF", 0) != 0)
            if (auto text = convert(bytes, encoding)) return *text;
    }
    const std::string guess = guessed_charset(bytes);
    if (!guess.empty())
        if (auto text = convert(bytes, encoding_of_label(guess))) return *text;
    if (auto text = convert(bytes, "CP1252")) return *text;
    return repair_utf8(bytes);
}

}  // namespace gradus
