#include "data/text_content.h"

#include <cstdint>

namespace gradus {

namespace {

using namespace std::string_view_literals;

struct Magic {
    size_t at;
    std::string_view bytes;
    const char* format;
};

constexpr Magic magics[] = {
    {0, "%PDF-"sv, "PDF"},
    {0, "PK\x03\x04"sv, "zip (or docx, odt, epub)"},
    {0, "\xFD\x37zXZ\x00"sv, "xz"},
    {0, "BZh91AY&SY"sv, "bzip2"},
    {0, "\x04\x22\x4D\x18"sv, "lz4"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "7z"},
    {0, "Rar!\x1A\x07"sv, "rar"},
    {0, "\x1F\x9D"sv, "compress"},
    {0, "\x89PNG\r\n\x1A\n"sv, "PNG"},
    {0, "\xFF\xD8\xFF"sv, "JPEG"},
    {0, "GIF89a"sv, "GIF"},
    {0,
     "\x7F"
     "ELF"sv,
     "ELF"},
    {0, "SQLite format 3\x00"sv, "SQLite"},
    {0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "doc, xls or ppt"},
    {257, "ustar"sv, "tar"},
};

bool has_utf16_mark(std::string_view bytes) {
    return bytes.substr(0, 2) == "\xFF\xFE"sv || bytes.substr(0, 2) == "\xFE\xFF"sv;
}

// NUL, white space (8 … 13), and shift out, shift in and escape (stateful charsets) do not count.
bool is_control(char c) {
    const auto u = uint8_t(c);
    return u < 0x20 && u != 0 && (u < 8 || u > 15) && u != 0x1B;
}

}  // namespace

std::string why_binary(std::string_view bytes) {
    for (const Magic& magic : magics)
        if (bytes.size() > magic.at && bytes.substr(magic.at, magic.bytes.size()) == magic.bytes)
            return std::string("it begins like a file of format ") + magic.format;
    if (has_utf16_mark(bytes)) return "";
    size_t controls = 0;
    for (const char c : bytes) controls += is_control(c);
    return controls > bytes.size() / 50 ? "too many of its bytes are control characters" : "";
}

std::string why_not_text(std::string_view bytes) {
    std::string why = why_binary(bytes);
    if (why.empty() && !has_utf16_mark(bytes) && bytes.find('\0') != std::string_view::npos)
        why = "it contains zero bytes";
    return why;
}

}  // namespace gradus
