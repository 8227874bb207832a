#pragma once
// Finds the matches of a pattern of a tokenizer.json in a text.
//
//   const TextSplitter splitter({.is_regex = true, .text = R"(\s+)"});
//   std::vector<TextPart> parts;
//   splitter.find("a  b", parts);   // {0, 1, false}, {1, 3, true}, {3, 4, false}
//
// Texts are searched as they are. A regular expression has the syntax of Oniguruma (that of Ruby): ^ and $ match at every line, \h is a
// hexadecimal digit, {1,3}+ is not possessive. It runs in PCRE2 with the classes of tokenizer/unicode/properties.h written out. Patterns that
// are widely used have scanners of their own, which scan/scan.h lists; they give the same parts.
//
// Immutable; any thread may use it. Error: the pattern does not compile, or takes too many steps on a text.
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/parts/pattern.h"

namespace gradus {

struct TextPart {
    size_t begin, end;
    bool is_match;
    bool operator==(const TextPart&) const = default;
};

struct TextSplitter {
    explicit TextSplitter(parts::Pattern pattern);

    // Writes matches and what is between them over `parts`. Together they are the text; a match may be empty. An empty text is one part.
    void find(std::string_view text, std::vector<TextPart>& parts) const;

    const parts::Pattern& pattern() const;

private:
    struct State;
    std::shared_ptr<const State> state_;
};

}  // namespace gradus
