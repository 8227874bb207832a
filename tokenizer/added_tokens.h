#pragma once
// Finds added tokens in a text, and normalizes what is between them, in the order of Hugging Face tokenizers:
//
//   1. the tokens that are not `normalized`, in the text as it is;
//   2. each text between them is normalized by itself;
//   3. the `normalized` tokens, each as its own normalized content, in these texts.
//
// Of tokens that begin at the same place the longest is found, and the search goes on behind it, even where the token is then not taken:
// because it is special and specials are not wanted, or because a word character touches a single_word token. lstrip and rstrip take the
// white space beside the token, unless the token before has it. White space that a token with rstrip took may begin the next token: then
// their ranges overlap, as in that library. The time is linear in the text.
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/normalize/normalizer.h"
#include "tokenizer/parts/added_token.h"
#include "tokenizer/word_finder.h"

namespace gradus {

// A token, or a normalized text between tokens, which is never empty.
struct TextSegment {
    static constexpr int32_t no_token = -1;
    int32_t id = no_token;
    ByteRange original;  // what it stands for
    AlignedText text;    // empty for a token
};

class AddedTokens {
public:
    AddedTokens() = default;
    AddedTokens(std::vector<parts::AddedToken> tokens, TextNormalizer normalizer);

    // Without `specials` special tokens are ordinary text. Without offsets `original` has the right beginning where that is 0, and only
    // there a beginning of 0. Error: as TextNormalizer.
    std::vector<TextSegment> split(std::string_view text, bool specials, bool with_offsets) const;

    // decoded_name: what a decoder gets for tokens()[index], which is its normalized content if it is `normalized`.
    const std::vector<parts::AddedToken>& tokens() const { return tokens_; }
    std::string_view decoded_name(size_t index) const { return names_[index]; }

private:
    struct Set {
        std::vector<uint32_t> members;  // indices of tokens
        WordFinder finder;
    };
    struct Found {
        const parts::AddedToken* token;  // null: text
        size_t begin, end;
    };
    std::vector<Found> find(std::string_view text, const Set& set, bool specials) const;
    void add_normalized(AlignedText text, ByteRange original, bool specials, std::vector<TextSegment>& segments) const;

    std::vector<parts::AddedToken> tokens_;
    std::vector<std::string> names_;
    TextNormalizer normalizer_;
    Set plain_, normalized_;
};

}  // namespace gradus
