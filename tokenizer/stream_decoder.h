#pragma once
// Text as it is generated: ids in, whole characters out.
//
// A token may end in the middle of a character, so what can be shown lags behind by up to three bytes. All that comes
// out is valid UTF-8; bytes that can never become a character come out as U+FFFD, one for each maximal subpart, as
// browsers and Python's "replace" do it.
#include <string>

#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace gradus {

class StreamDecoder {
public:
    explicit StreamDecoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

    // The text that this id completes; may be empty. Error names an id outside the vocabulary.
    std::string push(int32_t id);
    // The end: an unfinished character becomes U+FFFD. The decoder is as new afterwards.
    std::string flush();

private:
    Tokenizer tokenizer_;
    std::string tail_;  // the beginning of a character
};

}  // namespace gradus
