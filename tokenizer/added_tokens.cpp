// Searching for added tokens in a text before and after its normalization.
#include "tokenizer/added_tokens.h"

#include "tokenizer/unicode/properties.h"
#include "tokenizer/unicode/text_units.h"

namespace gradus {

namespace {

bool ends_with_word(std::string_view text) {
    return !text.empty() && properties_of(unit_at(text, unit_begin(text, text.size() - 1)).code).is_word();
}

bool begins_with_word(std::string_view text) { return !text.empty() && properties_of(unit_at(text, 0).code).is_word(); }

// The beginning of the white space before `at`, at least `least`.
size_t space_begin(std::string_view text, size_t least, size_t at) {
    while (at > least) {
        const size_t before = unit_begin(text, at - 1);
        if (before < least || !is_white_space(unit_at(text, before).code)) break;
        at = before;
    }
    return at;
}

// The end of the white space at a position. Remembers the last run, since tokens of white space ask for it again and again.
class SpaceEnd {
public:
    explicit SpaceEnd(std::string_view text) : text_(text) {}
    size_t operator()(size_t at) {
        if (at >= begin_ && at < end_) return end_;
        begin_ = end_ = at;
        while (end_ < text_.size() && is_white_space(unit_at(text_, end_).code)) end_ += unit_at(text_, end_).length;
        return end_;
    }

private:
    std::string_view text_;
    size_t begin_ = 0, end_ = 0;
};

AlignedText slice(const AlignedText& text, size_t begin, size_t end) {
    AlignedText part;
    part.text = text.text.substr(begin, end - begin);
    part.tracked = text.tracked;
    part.changed = text.changed;
    part.shift = text.shift + uint32_t(begin);
    if (text.tracked && text.changed)
        part.ranges.assign(text.ranges.begin() + long(begin), text.ranges.begin() + long(end));
    return part;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<parts::AddedToken> tokens, TextNormalizer normalizer)
    : tokens_(std::move(tokens)), normalizer_(std::move(normalizer)) {
    std::vector<std::string_view> plain, normalized;
    for (const parts::AddedToken& token : tokens_)
        names_.push_back(token.normalized ? normalizer_(token.content) : token.content);
    for (size_t i = 0; i < tokens_.size(); ++i) {
        (tokens_[i].normalized ? normalized_ : plain_).members.push_back(uint32_t(i));
        (tokens_[i].normalized ? normalized : plain).push_back(names_[i]);
    }
    plain_.finder = WordFinder(plain);
    normalized_.finder = WordFinder(normalized);
}

std::vector<AddedTokens::Found> AddedTokens::find(std::string_view text, const Set& set, bool specials) const {
    std::vector<WordFinder::Match> matches;
    set.finder.find(text, matches);
    std::vector<Found> found;
    size_t last = 0;
    SpaceEnd space_end(text);
    for (const WordFinder::Match& match : matches) {
        const parts::AddedToken& token = tokens_[set.members[match.word]];
        size_t begin = match.begin, end = match.begin + match.length;
        if (token.special && !specials) continue;
        if (token.single_word && (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end))))
            continue;
        if (token.lstrip) begin = begin < last ? last : space_begin(text, last, begin);
        if (token.rstrip) end = space_end(end);
        if (last < begin) found.push_back({nullptr, last, begin});
        found.push_back({&token, begin, end});
        last = end;
    }
    if (last != text.size()) found.push_back({nullptr, last, text.size()});
    return found;
}

void AddedTokens::add_normalized(AlignedText text, ByteRange original, bool specials,
                                 std::vector<TextSegment>& segments) const {
    normalizer_(text);
    if (text.text.empty()) return;
    std::vector<Found> found;
    if (!normalized_.finder.empty()) found = find(text.text, normalized_, specials);
    if (found.empty() || (found.size() == 1 && !found[0].token)) {
        // HF slices the text even where it finds nothing, so the segment stands for what its bytes stand for.
        if (text.tracked) original = text.range_of(0, text.text.size());
        segments.push_back({TextSegment::no_token, original, std::move(text)});
        return;
    }
    for (const Found& part : found) {
        if (part.begin == part.end) continue;
        const ByteRange range = text.tracked
                                    ? text.range_of(part.begin, part.end)
                                    : ByteRange{uint32_t(text.shift + part.begin), uint32_t(text.shift + part.end)};
        if (part.token) segments.push_back({part.token->id, range, {}});
        else segments.push_back({TextSegment::no_token, range, slice(text, part.begin, part.end)});
    }
}

std::vector<TextSegment> AddedTokens::split(std::string_view text, bool specials, bool with_offsets) const {
    std::vector<TextSegment> segments;
    if (text.empty()) return segments;
    const bool tracked = with_offsets || (!normalizer_.empty() && !normalized_.finder.empty());
    for (const Found& part : find(text, plain_, specials)) {
        const ByteRange range = {uint32_t(part.begin), uint32_t(part.end)};
        if (part.token) segments.push_back({part.token->id, range, {}});
        else
            add_normalized(AlignedText(text.substr(part.begin, part.end - part.begin), tracked, part.begin), range,
                           specials, segments);
    }
    return segments;
}

}  // namespace gradus
