#pragma once
// Streaming decoder: ids in, complete characters out.
//
// A token may end in the middle of a character, so the output lags behind by up to three bytes. The output is always
// valid UTF-8; bytes that can never become a character are replaced by U+FFFD, one per maximal subpart, as in browsers
// and in Python's "replace".
#include <string>

#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace gradus {

class StreamDecoder {
public:
    explicit StreamDecoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

    // The text that this id completes; may be empty. Error if the id is outside the vocabulary.
    std::string push(int32_t id);
    // End of the stream: an incomplete character becomes U+FFFD. Afterwards the decoder can be used again.
    std::string flush();

private:
    Tokenizer tokenizer_;
    std::string tail_;  // the beginning of a character
};

}  // namespace gradus
