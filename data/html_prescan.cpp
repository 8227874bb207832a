#include "data/html_prescan.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/text.h"

namespace gradus {

namespace {

constexpr size_t prescan_bytes = 1024;
constexpr size_t late_bytes = 64 << 10;

bool is_white(char c) { return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '; }
char small(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

bool starts_with(std::string_view bytes, size_t at, std::string_view lower) {
    if (bytes.size() - at < lower.size()) return false;
    return std::equal(lower.begin(), lower.end(), bytes.begin() + std::ptrdiff_t(at),
                      [](char a, char b) { return a == small(b); });
}

const Encoding* readable_as_ascii(const Encoding* encoding) {
    if (!encoding) return nullptr;
    if (encoding->decoder == Decoder::utf16_be || encoding->decoder == Decoder::utf16_le)
        return encoding_of_label("utf-8");
    if (encoding->decoder == Decoder::user_defined) return encoding_of_label("windows-1252");
    return encoding;
}

// "text/html; charset=…": the standard's "extracting a character encoding from a meta element".
const Encoding* encoding_of_content(std::string_view content) {
    for (size_t at = 0; (at = content.find("charset", at)) != std::string_view::npos;) {
        at += 7;
        while (at < content.size() && is_white(content[at])) ++at;
        if (at >= content.size() || content[at] != '=') continue;
        ++at;
        while (at < content.size() && is_white(content[at])) ++at;
        if (at >= content.size()) return nullptr;
        if (content[at] == '"' || content[at] == '\'') {
            const size_t end = content.find(content[at], at + 1);
            return end == std::string_view::npos ? nullptr : encoding_of_label(content.substr(at + 1, end - at - 1));
        }
        const size_t end = content.find_first_of("\t\n\f\r ;", at);
        return encoding_of_label(content.substr(at, end - at));
    }
    return nullptr;
}

struct OutOfBytes {};

class Prescan {
public:
    // As a parser knows: the content of some elements is not markup.
    enum class Raw { read, skip };

    Prescan(std::string_view bytes, Raw raw) : bytes_(bytes), raw_(raw) {}

    const Encoding* run() {
        try {
            for (; at_ < bytes_.size(); ++at_) {
                if (bytes_[at_] != '<') continue;
                if (starts_with(bytes_, at_, "<!--")) {
                    const size_t end = bytes_.find("-->", at_ + 2);
                    if (end == std::string_view::npos) return nullptr;
                    at_ = end + 2;
                } else if (starts_with(bytes_, at_, "<meta") && (is_white(byte(at_ + 5)) || byte(at_ + 5) == '/')) {
                    at_ += 5;
                    if (const Encoding* encoding = meta()) return encoding;
                } else if (is_ascii_letter(byte(at_ + 1)) || (byte(at_ + 1) == '/' && is_ascii_letter(byte(at_ + 2)))) {
                    tag();
                } else if (byte(at_ + 1) == '!' || byte(at_ + 1) == '/' || byte(at_ + 1) == '?') {
                    at_ = bytes_.find('>', at_);
                    if (at_ == std::string_view::npos) return nullptr;
                }
            }
        } catch (const OutOfBytes&) {  // a truncated tag declares nothing
        }
        return nullptr;
    }

private:
    struct Attribute {
        std::string name, value;
    };

    char byte(size_t at) const {
        if (at >= bytes_.size()) throw OutOfBytes{};
        return bytes_[at];
    }

    void tag() {
        const size_t name = at_ + 1;
        while (!is_white(byte(at_)) && byte(at_) != '>') ++at_;
        const std::string_view raw = raw_ == Raw::skip ? raw_element(name) : "";
        while (attribute()) {}
        if (raw.empty()) return;
        const std::string closing = "</" + std::string(raw);
        while (!starts_with(bytes_, at_, closing)) byte(++at_);
        --at_;
    }

    std::string_view raw_element(size_t name) const {
        for (const std::string_view raw : {"script", "style", "title", "textarea", "noscript", "iframe", "xmp"})
            if (starts_with(bytes_, name, raw) && (is_white(byte(name + raw.size())) || byte(name + raw.size()) == '>'))
                return raw;
        return "";
    }

    const Encoding* meta() {
        std::vector<std::string> seen;
        bool got_pragma = false;
        std::optional<bool> need_pragma;
        const Encoding* encoding = nullptr;
        while (const auto found = attribute()) {
            if (std::find(seen.begin(), seen.end(), found->name) != seen.end()) continue;
            seen.push_back(found->name);
            if (found->name == "http-equiv") {
                got_pragma = got_pragma || found->value == "content-type";
            } else if (found->name == "content") {
                const Encoding* const named = encoding_of_content(found->value);
                if (named && !need_pragma) encoding = named, need_pragma = true;
            } else if (found->name == "charset") {
                encoding = encoding_of_label(found->value);
                need_pragma = false;
            }
        }
        if (!need_pragma || (*need_pragma && !got_pragma)) return nullptr;
        return readable_as_ascii(encoding);
    }

    // The standard's "get an attribute"; empty at the end of the tag, where `at_` then is.
    std::optional<Attribute> attribute() {
        while (is_white(byte(at_)) || byte(at_) == '/') ++at_;
        if (byte(at_) == '>') return std::nullopt;
        Attribute found;
        for (;; ++at_) {
            const char c = byte(at_);
            if (c == '=' && !found.name.empty()) break;
            if (is_white(c)) {
                while (is_white(byte(at_))) ++at_;
                if (byte(at_) != '=') return found;
                break;
            }
            if (c == '/' || c == '>') return found;
            found.name += small(c);
        }
        ++at_;
        while (is_white(byte(at_))) ++at_;
        const char quote = byte(at_);
        if (quote == '"' || quote == '\'') {
            while (byte(++at_) != quote) found.value += small(byte(at_));
            ++at_;
        } else {
            for (; !is_white(byte(at_)) && byte(at_) != '>'; ++at_) found.value += small(byte(at_));
        }
        return found;
    }

    std::string_view bytes_;
    Raw raw_;
    size_t at_ = 0;
};

}  // namespace

const Encoding* xml_encoding(std::string_view bytes) {
    if (bytes.substr(0, 6) == std::string_view("<\0?\0x\0", 6)) return encoding_of_label("utf-16le");
    if (bytes.substr(0, 6) == std::string_view("\0<\0?\0x", 6)) return encoding_of_label("utf-16be");
    if (bytes.substr(0, 5) != "<?xml") return nullptr;
    std::string_view declaration = bytes.substr(0, std::min(bytes.find('>'), bytes.size()));
    const size_t word = declaration.find("encoding", 5);
    if (word == std::string_view::npos || declaration.size() == bytes.size()) return nullptr;
    declaration.remove_prefix(word + 8);
    auto skip_spaces = [&] {
        while (!declaration.empty() && uint8_t(declaration[0]) <= 0x20) declaration.remove_prefix(1);
    };
    skip_spaces();
    if (declaration.empty() || declaration[0] != '=') return nullptr;
    declaration.remove_prefix(1);
    skip_spaces();
    if (declaration.empty() || (declaration[0] != '"' && declaration[0] != '\'')) return nullptr;
    const size_t end = declaration.find(declaration[0], 1);
    if (end == std::string_view::npos) return nullptr;
    const std::string_view label = declaration.substr(1, end - 1);
    if (std::any_of(label.begin(), label.end(), [](char c) { return uint8_t(c) <= 0x20; })) return nullptr;
    const Encoding* const encoding = encoding_of_label(label);
    return encoding && encoding->decoder == Decoder::user_defined ? encoding : readable_as_ascii(encoding);
}

const Encoding* prescan_html(std::string_view bytes) {
    bytes = bytes.substr(0, prescan_bytes);
    const Encoding* const by_xml = xml_encoding(bytes);
    if (by_xml && (by_xml->decoder == Decoder::utf16_be || by_xml->decoder == Decoder::utf16_le)) return by_xml;
    const Encoding* const by_meta = Prescan(bytes, Prescan::Raw::read).run();
    return by_meta ? by_meta : by_xml;
}

const Encoding* late_meta(std::string_view bytes) {
    return Prescan(bytes.substr(0, late_bytes), Prescan::Raw::skip).run();
}

}  // namespace gradus
