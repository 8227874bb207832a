#include "engine/base/one_line.h"

#include <cstdint>

namespace gradus {

// Source: RFC 3629, the table of section 4.
size_t character_at(std::string_view text, size_t at) {
    auto between = [&](size_t i, unsigned low, unsigned high) {
        if (at + i >= text.size()) return false;
        const unsigned byte = uint8_t(text[at + i]);
        return low <= byte && byte <= high;
    };
    auto rest = [&](size_t first, size_t end) {
        for (size_t i = first; i < end; ++i)
            if (!between(i, 0x80, 0xbf)) return size_t(0);
        return end;
    };
    const unsigned lead = uint8_t(text[at]);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return rest(1, 2);
    if (lead >= 0xe0 && lead <= 0xef)
        return between(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) ? rest(2, 3) : 0;
    if (lead >= 0xf0 && lead <= 0xf4)
        return between(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) ? rest(2, 4) : 0;
    return 0;
}

namespace {

// Of ASCII and the C1 set of ISO 6429, which terminals obey as well.
bool is_control(std::string_view character) {
    const unsigned first = uint8_t(character[0]);
    return first < ' ' || first == 0x7f || (first == 0xc2 && uint8_t(character[1]) < 0xa0);
}

std::string cleaned(std::string_view text, size_t longest, std::string_view harmless) {
    std::string clean;
    for (size_t at = 0; at < text.size();) {
        const size_t bytes = character_at(text, at);
        std::string_view shown = bytes == 0 ? "\uFFFD" : text.substr(at, bytes);
        if (is_control(shown) && harmless.find(shown[0]) == std::string_view::npos) shown = " ";
        if (shown.size() > longest - clean.size()) return clean + "…";
        clean += shown;
        at += bytes > 0 ? bytes : 1;
    }
    return clean;
}

}  // namespace

std::string on_one_line(std::string_view text, size_t longest) { return cleaned(text, longest, ""); }

std::string shown(std::string_view name) { return "'" + on_one_line(name, 120) + "'"; }

std::string printable(std::string_view text) { return cleaned(text, std::string_view::npos, "\n\t"); }

}  // namespace gradus
