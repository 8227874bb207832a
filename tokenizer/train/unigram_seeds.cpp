// Repeated substrings: the suffixes of all words are sorted, and neighbours share prefixes.
#include "tokenizer/train/unigram_seeds.h"

#include <algorithm>

#include "tokenizer/models/unigram_edges.h"

namespace gradus {

namespace {

// A suffix of a word, cut to the longest token.
struct Suffix {
    std::string_view text;
    int64_t count;
};

std::vector<Suffix> suffixes_of(const std::vector<PieceCounter::Piece>& words, size_t max_chars) {
    std::vector<Suffix> suffixes;
    std::vector<size_t> begins;
    for (const PieceCounter::Piece& word : words) {
        begins.clear();
        for (size_t at = 0; at < word.bytes.size(); at += char_length(word.bytes, at)) begins.push_back(at);
        begins.push_back(word.bytes.size());
        for (size_t i = 0; i + 1 < begins.size(); ++i) {
            const size_t end = begins[std::min(i + max_chars, begins.size() - 1)];
            suffixes.push_back({word.bytes.substr(begins[i], end - begins[i]), word.count});
        }
    }
    std::sort(suffixes.begin(), suffixes.end(), [](const Suffix& a, const Suffix& b) { return a.text < b.text; });
    return suffixes;
}

// The bytes that two texts share, without a character that they share in part.
size_t shared_prefix(std::string_view a, std::string_view b) {
    size_t size = size_t(
        std::mismatch(a.begin(), a.begin() + ptrdiff_t(std::min(a.size(), b.size())), b.begin()).first - a.begin());
    if (size < a.size())
        while (size > 0 && (uint8_t(a[size]) & 0xC0) == 0x80) --size;
    return size;
}

size_t chars_of(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char byte) { return (uint8_t(byte) & 0xC0) != 0x80; }));
}

}  // namespace

std::vector<UnigramSeed> unigram_seeds(const std::vector<PieceCounter::Piece>& words, size_t most, size_t max_chars) {
    const std::vector<Suffix> suffixes = suffixes_of(words, max_chars);
    std::vector<UnigramSeed> chars, longer;
    // Prefixes of the present suffix that a run of suffixes shares, shorter ones below; each with its count so far.
    struct Open {
        std::string_view text;
        double count;
        size_t suffixes;
    };
    std::vector<Open> open;
    const auto close_to = [&](size_t size) {
        while (!open.empty() && open.back().text.size() > size) {
            const Open closed = open.back();
            open.pop_back();
            if (closed.suffixes > 1 || closed.count > 1)
                if (const size_t length = chars_of(closed.text); length > 1)
                    longer.push_back({closed.text, closed.count, length});
            const size_t below = open.empty() ? 0 : open.back().text.size();
            if (size > below) {
                open.push_back({closed.text.substr(0, size), closed.count, closed.suffixes});
            } else if (!open.empty()) {
                open.back().count += closed.count;
                open.back().suffixes += closed.suffixes;
            }
        }
    };
    for (size_t i = 0; i < suffixes.size(); ++i) {
        const std::string_view text = suffixes[i].text;
        const size_t shared = i == 0 ? 0 : shared_prefix(suffixes[i - 1].text, text);
        close_to(shared);
        if (!open.empty() && open.back().text.size() == text.size()) {
            open.back().count += double(suffixes[i].count);
            ++open.back().suffixes;
        } else {
            open.push_back({text, double(suffixes[i].count), 1});
        }
        const std::string_view first = text.substr(0, char_length(text, 0));
        if (chars.empty() || chars.back().text != first) chars.push_back({first, 0, 1});
        chars.back().count += double(suffixes[i].count);
    }
    close_to(0);
    std::sort(longer.begin(), longer.end(), [](const UnigramSeed& a, const UnigramSeed& b) {
        const double first = a.count * double(a.chars), second = b.count * double(b.chars);
        return first != second ? first > second : a.text < b.text;
    });
    if (longer.size() > most) longer.resize(most);
    chars.insert(chars.end(), longer.begin(), longer.end());
    return chars;
}

}  // namespace gradus
