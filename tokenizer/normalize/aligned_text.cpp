// Alignment of a changing text with the original.
#include "tokenizer/normalize/aligned_text.h"

#include "engine/base/error.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

AlignedText::AlignedText(std::string_view original, bool with_offsets, size_t from)
    : text(original), tracked(with_offsets), shift(uint32_t(from)) {
    if (with_offsets && from + original.size() > 0xFFFFFFFF)
        throw Error("cannot encode a text of " + std::to_string(original.size()) + " bytes with offsets",
                    "offsets have 32 bits", "encode the text in parts below 4 GiB, or without offsets");
}

ByteRange AlignedText::range_of(size_t at) const {
    if (changed) return ranges[at];
    const size_t begin = unit_begin(text, at);
    return {uint32_t(shift + begin), uint32_t(shift + begin + unit_at(text, begin).length)};
}

ByteRange AlignedText::range_of(size_t begin, size_t end) const {
    CHECK(begin < end && end <= text.size());
    return {range_of(begin).begin, range_of(end - 1).end};
}

Rewriter::Rewriter(const AlignedText& from, size_t begin, size_t end, ByteRange origin, AlignedText& to)
    : from_(from), to_(to), begin_(begin), at_(begin), end_(end), origin_(origin) {
    to_.tracked = from.tracked;
    to_.shift = from.shift;
    to_.changed = true;
    to_.text.reserve(to_.text.size() + (end - begin));
    if (to_.tracked) to_.ranges.reserve(to_.ranges.size() + (end - begin));
}

ByteRange Rewriter::before() const { return at_ == begin_ ? origin_ : from_.range_of(at_ - 1); }

void Rewriter::replace(char32_t code) {
    CHECK(at_ < end_);
    append_unit(to_.text, code);
    if (to_.tracked) to_.ranges.resize(to_.text.size(), from_.range_of(at_));
    at_ += unit_at(from_.text, at_).length;
}

void Rewriter::insert(char32_t code) {
    append_unit(to_.text, code);
    if (to_.tracked) to_.ranges.resize(to_.text.size(), before());
}

void Rewriter::insert(std::string_view text) {
    to_.text += text;
    if (to_.tracked) to_.ranges.resize(to_.text.size(), before());
}

void Rewriter::prepend(std::string_view text) {
    CHECK(at_ == begin_ && at_ < end_);
    to_.text += text;
    if (to_.tracked) to_.ranges.resize(to_.text.size(), from_.range_of(at_));
}

void Rewriter::remove(size_t units) {
    for (; units > 0 && at_ < end_; --units) at_ += unit_at(from_.text, at_).length;
}

void Rewriter::skip_to(size_t at) {
    CHECK(at_ <= at && at <= end_);
    at_ = at;
}

void Rewriter::keep_to(size_t end) {
    CHECK(at_ <= end && end <= end_);
    to_.text.append(from_.text, at_, end - at_);
    if (to_.tracked && from_.changed) {
        to_.ranges.insert(to_.ranges.end(), from_.ranges.begin() + long(at_), from_.ranges.begin() + long(end));
    } else if (to_.tracked) {
        for (size_t at = at_; at < end;) {
            const uint32_t length = unit_at(from_.text, at).length, begin = uint32_t(from_.shift + at);
            to_.ranges.insert(to_.ranges.end(), length, {begin, begin + length});
            at += length;
        }
    }
    at_ = end;
}

void Rewriter::put(char32_t code, int change) {
    if (change > 0) return insert(code);
    replace(code);
    remove(size_t(-change));
}

}  // namespace gradus
