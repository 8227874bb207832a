#pragma once
// A text that changes step by step and knows which bytes of the original each of its bytes stands for.
//
// Offsets count bytes of the original. While the text is the original there is no table: a byte stands for the bytes of its own character.
// The first change makes one, of eight bytes for each byte of the text. A text whose offsets nobody asks for has tracked = false and never
// makes one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct ByteRange {
    uint32_t begin, end;
    bool operator==(const ByteRange&) const = default;
};

struct AlignedText {
    std::string text;
    bool tracked = true;
    bool changed = false;           // `ranges` holds for the text; else the text is the original from `shift` on
    std::vector<ByteRange> ranges;  // of each byte, if tracked and changed
    uint32_t shift = 0;

    AlignedText() = default;
    // A text from byte `shift` of the original on. Error: offsets above 4 GiB.
    explicit AlignedText(std::string_view original, bool with_offsets = true, size_t from = 0);

    // What byte `at` < text.size() stands for.
    ByteRange range_of(size_t at) const;
    // What the bytes [begin, end) stand for: from the first one's beginning to the last one's end. begin < end.
    ByteRange range_of(size_t begin, size_t end) const;
};

// Writes a new text for the units [begin, end) of `from`, one after the other, at the end of `to`: replace(c) writes c for the next unit,
// insert(c) writes c for none, which stands for what the unit before it stands for (nothing, if there is none), remove() skips a unit, and
// keep_to() copies units. Offsets come out as those of Hugging Face's NormalizedString.
class Rewriter {
public:
    // `to` is tracked like `from`, and its changed flag is set.
    Rewriter(const AlignedText& from, AlignedText& to)
        : Rewriter(from, 0, from.text.size(), {from.shift, from.shift}, to) {}
    // A part of a text, for which `origin` is what a first inserted unit stands for.
    Rewriter(const AlignedText& from, size_t begin, size_t end, ByteRange origin, AlignedText& to);

    void replace(char32_t code);
    void insert(char32_t code);
    void insert(std::string_view text);
    void remove(size_t units = 1);
    void prepend(std::string_view text);  // at the beginning: it stands for what the first unit stands for
    void keep_to(size_t at);              // copies whole units
    void keep_rest() { keep_to(end_); }
    void skip_to(size_t at);  // removes whole units
    // As NormalizedUnit::change says: 0 replaces, 1 inserts, -n replaces and removes n more.
    void put(char32_t code, int change);

    size_t position() const { return at_; }  // in `from`

private:
    ByteRange before() const;  // what the unit before the position stands for

    const AlignedText& from_;
    AlignedText& to_;
    size_t begin_, at_, end_;
    ByteRange origin_;
};

}  // namespace gradus
