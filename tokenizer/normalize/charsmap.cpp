// Lookups in the double array, and the library's way of applying them.
#include "tokenizer/normalize/charsmap.h"

#include <cstring>

#include "engine/base/error.h"
#include "tokenizer/unicode/grapheme.h"
#include "tokenizer/unicode/normal_forms.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

// The parts of a unit of the double array.
bool has_leaf(uint32_t unit) { return unit >> 8 & 1; }
uint32_t label(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
uint32_t child_offset(uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }
uint32_t value(uint32_t unit) { return unit & ~(1u << 31); }

[[noreturn]] void refuse(const std::string& cause) {
    throw Error("cannot read the tokenizer's precompiled_charsmap", cause, "download the tokenizer's file again");
}

// Appends a replacement of `units` units, counted as NormalizedUnit::change says. What has no replacement left is counted with the unit
// before, as in that library.
void append_replacement(std::vector<NormalizedUnit>& out, std::string_view replacement, int units) {
    const size_t begin = out.size();
    for (size_t at = 0; at < replacement.size();) {
        const Unit unit = unit_at(replacement, at);
        out.push_back({unit.code, 0});
        at += unit.length;
    }
    const int difference = int(out.size() - begin) - units;
    for (int i = 0; i < difference; ++i) out[out.size() - 1 - size_t(i)].change = 1;
    if (difference < 0 && !out.empty()) out.back().change += difference;
}

// Whether an ASCII character is a cluster because another one follows: a quick answer for most of English.
bool is_ascii_cluster(std::string_view text, size_t at) {
    return uint8_t(text[at]) < 0x80 && text[at] != '\r' && (at + 1 == text.size() || uint8_t(text[at + 1]) < 0x80);
}

int count_units(std::string_view text) {
    int count = 0;
    for (size_t at = 0; at < text.size(); ++count) at += unit_at(text, at).length;
    return count;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes) {
    uint32_t size = 0;
    if (bytes.size() < sizeof size) refuse("it has " + std::to_string(bytes.size()) + " bytes");
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    size -= size % 4;
    if (size == 0 || size > bytes.size())
        refuse("its trie has " + std::to_string(size) + " bytes of " + std::to_string(bytes.size()));
    trie_.resize(size / 4);
    std::memcpy(trie_.data(), bytes.data(), size);
    replacements_ = bytes.substr(size);
    if (replace_invalid_utf8(replacements_) != replacements_) refuse("its replacements are not UTF-8");
}

std::string_view Charsmap::replacement_at(uint32_t offset) const {
    if (offset >= replacements_.size()) return {};
    return replacements_.c_str() + offset;
}

template <class Found>
void Charsmap::search(std::string_view text, Found&& found) const {
    uint32_t node = child_offset(trie_[0]);
    for (size_t i = 0; i < text.size() && text[i] != 0; ++i) {
        node ^= uint8_t(text[i]);
        if (node >= trie_.size() || label(trie_[node]) != uint8_t(text[i])) return;
        const uint32_t unit = trie_[node];
        node ^= child_offset(unit);
        if (has_leaf(unit) && node < trie_.size() && !found(i + 1, value(trie_[node]))) return;
    }
}

std::optional<std::string_view> Charsmap::shortest(std::string_view text) const {
    std::optional<std::string_view> replacement;
    search(text, [&](size_t, uint32_t offset) {
        replacement = replacement_at(offset);
        return false;
    });
    return replacement;
}

std::optional<Charsmap::Entry> Charsmap::longest(std::string_view text) const {
    std::optional<Entry> entry;
    search(text, [&](size_t length, uint32_t offset) {
        entry = Entry{length, replacement_at(offset)};
        return true;
    });
    return entry;
}

bool Charsmap::apply(const AlignedText& from, AlignedText& to) const {
    const std::string_view text = from.text;
    std::vector<NormalizedUnit> out;
    bool changed = false;
    for (size_t begin = 0, end; begin < text.size(); begin = end) {
        end = is_ascii_cluster(text, begin) ? begin + 1 : grapheme_end(text, begin);
        const std::string_view cluster = text.substr(begin, end - begin);
        if (cluster.size() < 6) {
            if (const auto replacement = shortest(cluster)) {
                append_replacement(out, *replacement, count_units(cluster));
                changed = true;
                continue;
            }
        }
        for (size_t at = 0; at < cluster.size();) {
            const Unit unit = unit_at(cluster, at);
            const auto replacement =
                unit.code < invalid_byte ? shortest(cluster.substr(at, unit.length)) : std::nullopt;
            if (replacement) append_replacement(out, *replacement, 1);
            else out.push_back({unit.code, 0});
            changed |= replacement.has_value();
            at += unit.length;
        }
    }
    if (!changed) return false;
    Rewriter rewriter(from, to);
    for (const NormalizedUnit& unit : out) rewriter.put(unit.code, unit.change);
    return true;
}

}  // namespace gradus
