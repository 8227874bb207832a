#include "data/encoding_index.h"

#include <iconv.h>

#include <cstring>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace gradus {

namespace {

struct Correction {
    uint16_t bytes;
    char16_t character;
};

// clang-format off
// HKSCS-2008 removed these as duplicates of others, and Windows decodes the punctuation differently.
constexpr Correction big5_corrections[] = {
    {0x8e69, 0x7bb8}, {0x8e6f, 0x7c06}, {0x8e7e, 0x7cce}, {0x8eab, 0x7dd2}, {0x8eb4, 0x7e1d}, {0x8ecd, 0x8005},
    {0x8ed0, 0x8028}, {0x8f57, 0x83c1}, {0x8f69, 0x84a8}, {0x8f6e, 0x840f}, {0x8fcb, 0x89a6}, {0x8fcc, 0x89a9},
    {0x8ffe, 0x8d77}, {0x906d, 0x90fd}, {0x907a, 0x92b9}, {0x90dc, 0x975c}, {0x90f1, 0x97ff}, {0x91bf, 0x9f16},
    {0x9244, 0x8503}, {0x92af, 0x5159}, {0x92b0, 0x515b}, {0x92b1, 0x515d}, {0x92b2, 0x515e}, {0x92c8, 0x936e},
    {0x92d1, 0x7479}, {0x9447, 0x6d67}, {0x94ca, 0x799b}, {0x95d9, 0x9097}, {0x9644, 0x975d}, {0x96ed, 0x701e},
    {0x96fc, 0x5b28}, {0x9b76, 0x7201}, {0x9b78, 0x77d7}, {0x9b7b, 0x7e87}, {0x9bc6, 0x99d6}, {0x9bde, 0x91d4},
    {0x9bec, 0x60de}, {0x9bf6, 0x6fb6}, {0x9c42, 0x8f36}, {0x9c53, 0x4fbb}, {0x9c62, 0x71df}, {0x9c68, 0x9104},
    {0x9c6b, 0x9df0}, {0x9c77, 0x83cf}, {0x9cbc, 0x5c10}, {0x9cbd, 0x79e3}, {0x9cd0, 0x5a67}, {0x9d57, 0x8f0b},
    {0x9d5a, 0x7b51}, {0x9dc4, 0x62d0}, {0x9ea9, 0x6062}, {0x9eef, 0x75f9}, {0x9efd, 0x6c4a}, {0x9f60, 0x9b2e},
    {0x9f66, 0x9f17}, {0x9fcb, 0x50ed}, {0x9fd8, 0x5f0c}, {0xa063, 0x880f}, {0xa077, 0x62ce}, {0xa0d5, 0x7468},
    {0xa0df, 0x7162}, {0xa0e4, 0x7250}, {0xa145, 0x2027}, {0xa14e, 0xfe51}, {0xa15a, 0x2574}, {0xa1c2, 0xaf},
    {0xa1c3, 0xffe3}, {0xa1c5, 0x2cd}, {0xa1e3, 0xff5e}, {0xa1f2, 0x2295}, {0xa1f3, 0x2299}, {0xa1fe, 0xff0f},
    {0xa240, 0xff3c}, {0xa241, 0x2215}, {0xa242, 0xfe68}, {0xa244, 0xffe5}, {0xa246, 0xffe0}, {0xa247, 0xffe1},
    {0xa2cc, 0x5341}, {0xa2ce, 0x5345}, {0xa3c0, 0x2400}, {0xa3c1, 0x2401}, {0xa3c2, 0x2402}, {0xa3c3, 0x2403},
    {0xa3c4, 0x2404}, {0xa3c5, 0x2405}, {0xa3c6, 0x2406}, {0xa3c7, 0x2407}, {0xa3c8, 0x2408}, {0xa3c9, 0x2409},
    {0xa3ca, 0x240a}, {0xa3cb, 0x240b}, {0xa3cc, 0x240c}, {0xa3cd, 0x240d}, {0xa3ce, 0x240e}, {0xa3cf, 0x240f},
    {0xa3d0, 0x2410}, {0xa3d1, 0x2411}, {0xa3d2, 0x2412}, {0xa3d3, 0x2413}, {0xa3d4, 0x2414}, {0xa3d5, 0x2415},
    {0xa3d6, 0x2416}, {0xa3d7, 0x2417}, {0xa3d8, 0x2418}, {0xa3d9, 0x2419}, {0xa3da, 0x241a}, {0xa3db, 0x241b},
    {0xa3dc, 0x241c}, {0xa3dd, 0x241d}, {0xa3de, 0x241e}, {0xa3df, 0x241f}, {0xa3e0, 0x2421}, {0xa3e1, 0x20ac},
    {0xc6cf, 0x5ef4}, {0xc6d3, 0x65e0}, {0xc6d5, 0x7676}, {0xc6d7, 0x96b6}, {0xc6de, 0x3003}, {0xc6df, 0x4edd},
    {0xfa5f, 0x5029}, {0xfa66, 0x507d}, {0xfabd, 0x5305}, {0xfac5, 0x5344}, {0xfad5, 0x537f}, {0xfb48, 0x5605},
    {0xfbb8, 0x5a77}, {0xfbf3, 0x5e75}, {0xfbf9, 0x5ed0}, {0xfc4f, 0x5f58}, {0xfc6c, 0x60a4}, {0xfcb9, 0x6490},
    {0xfce2, 0x6674}, {0xfcf1, 0x675e}, {0xfdb7, 0x6c9c}, {0xfdb8, 0x6e1d}, {0xfdbb, 0x6e2f}, {0xfdf1, 0x716e},
    {0xfe52, 0x732a}, {0xfe6f, 0x745c}, {0xfeaa, 0x74e9}, {0xfedd, 0x7809},
};
// clang-format on

constexpr Correction gb18030_corrections[] = {
    {0xa3a0, 0x3000}, {0xfe51, 0xe816}, {0xfe52, 0xe817}, {0xfe53, 0xe818},
    {0xfe6c, 0xe831}, {0xfe76, 0xe83b}, {0xfe91, 0xe855},
};

// Calls the C library's converter for one character at a time; the result is UTF-32.
class Library {
public:
    explicit Library(const char* name) : converter_(::iconv_open("UTF-32LE", name)) {}
    ~Library() {
        if (known()) ::iconv_close(converter_);
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    bool known() const { return converter_ != iconv_t(-1); }

    // 0 if the bytes are not one complete character.
    char32_t character(std::initializer_list<unsigned> bytes) {
        char in[4];
        size_t left = 0;
        for (const unsigned byte : bytes) in[left++] = char(byte);
        char32_t out[8] = {};
        char *from = in, *to = reinterpret_cast<char*>(out);
        size_t room = sizeof(out);
        ::iconv(converter_, nullptr, nullptr, nullptr, nullptr);
        if (::iconv(converter_, &from, &left, &to, &room) == size_t(-1) || left > 0) return 0;
        if (::iconv(converter_, nullptr, nullptr, &to, &room) == size_t(-1)) return 0;
        return room == sizeof(out) - sizeof(char32_t) ? out[0] : 0;
    }

private:
    iconv_t converter_;
};

EncodingIndex build_gb18030(Library& library) {
    EncodingIndex index(126 * 190);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer) {
        const unsigned trail = pointer % 190;
        index[pointer] = library.character({pointer / 190 + 0x81, trail + (trail < 0x3f ? 0x40 : 0x41)});
    }
    for (const auto [bytes, character] : gb18030_corrections)
        index[(bytes / 256u - 0x81) * 190 + bytes % 256u - (bytes % 256u < 0x7f ? 0x40 : 0x41)] = character;
    return index;
}

EncodingIndex build_gb18030_four(Library& library) {
    EncodingIndex index(39420);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer)
        index[pointer] = library.character(
            {0x81 + pointer / 12600, 0x30 + pointer / 1260 % 10, 0x81 + pointer / 10 % 126, 0x30 + pointer % 10});
    for (unsigned i = 0; i < 8; ++i) index[19057 + i] = 0x9fb4 + i;  // characters added in 2005 and later
    for (unsigned i = 0; i < 10; ++i) index[39076 + i] = 0xfe10 + i;
    index[7457] = 0xe7c7;
    return index;
}

EncodingIndex build_big5(Library& library) {
    EncodingIndex index(126 * 157);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer) {
        const unsigned trail = pointer % 157;
        index[pointer] = library.character({pointer / 157 + 0x81, trail + (trail < 0x3f ? 0x40 : 0x62)});
    }
    for (const auto [bytes, character] : big5_corrections)
        index[(bytes / 256u - 0x81) * 157 + bytes % 256u - (bytes % 256u < 0x7f ? 0x40 : 0x62)] = character;
    return index;
}

EncodingIndex build_euc_kr(Library& library) {
    EncodingIndex index(126 * 190);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer)
        index[pointer] = library.character({pointer / 190 + 0x81, pointer % 190 + 0x41});
    return index;
}

// Indexed by Shift_JIS pairs. Its user-defined rows are private-use characters, as in the standard.
EncodingIndex build_jis0208(Library& library) {
    EncodingIndex index(60 * 188);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer) {
        const unsigned lead = pointer / 188, trail = pointer % 188;
        index[pointer] = library.character({lead + (lead < 0x1f ? 0x81 : 0xc1), trail + (trail < 0x3f ? 0x40 : 0x41)});
    }
    return index;
}

EncodingIndex build_jis0212(Library& library) {
    EncodingIndex index(94 * 94);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer)
        index[pointer] = library.character({0x8f, pointer / 94 + 0xa1, pointer % 94 + 0xa1});
    return index;
}

EncodingIndex build_single_byte(Library& library, std::string_view name) {
    EncodingIndex index(128);
    for (unsigned pointer = 0; pointer < index.size(); ++pointer) {
        index[pointer] = library.character({0x80 + pointer});
        // Windows maps undefined bytes to control characters.
        if (index[pointer] == 0 && pointer < 0x20 && name.substr(0, 2) == "CP") index[pointer] = 0x80 + pointer;
    }
    if (name == "KOI8-U") index[0x2e] = 0x45e, index[0x3e] = 0x40e;
    if (name == "MACINTOSH") index[0x46] = 0x2206, index[0x70] = 0xf8ff;
    if (name == "MAC-UK") index[0x7f] = 0x20ac;
    if (name == "CP1255") index[0x4a] = 0x5ba;
    return index;
}

// Built on first use, once for all threads; references to a map's elements stay valid.
template <class Build>
const EncodingIndex& built_once(const std::string& key, const char* library_name, Build build) {
    static std::mutex mutex;
    static std::map<std::string, EncodingIndex> indexes;
    const std::lock_guard lock(mutex);
    const auto [at, fresh] = indexes.try_emplace(key);
    if (fresh) {
        Library library(library_name);
        if (library.known()) at->second = build(library);
    }
    return at->second;
}

}  // namespace

const EncodingIndex& gb18030_index() { return built_once("gb18030", "GB18030", build_gb18030); }
const EncodingIndex& gb18030_four_byte_index() { return built_once("gb18030 four", "GB18030", build_gb18030_four); }
const EncodingIndex& big5_index() { return built_once("big5", "BIG5-HKSCS", build_big5); }
const EncodingIndex& euc_kr_index() { return built_once("euc-kr", "UHC", build_euc_kr); }
const EncodingIndex& jis0208_index() { return built_once("jis0208", "CP932", build_jis0208); }
const EncodingIndex& jis0212_index() { return built_once("jis0212", "EUC-JP", build_jis0212); }
const EncodingIndex& single_byte_index(const char* name) {
    return built_once(std::string("single byte ") + name, name,
                      [&](Library& library) { return build_single_byte(library, name); });
}

}  // namespace gradus
