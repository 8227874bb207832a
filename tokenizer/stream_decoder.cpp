// Streaming decoder.
#include "tokenizer/stream_decoder.h"

namespace gradus {

std::string StreamDecoder::push(int32_t id) {
    tail_ += tokenizer_.bytes_of(id);
    const size_t ready = tail_.size() - incomplete_utf8_tail(tail_);
    const std::string text = replace_invalid_utf8(std::string_view(tail_).substr(0, ready));
    tail_.erase(0, ready);
    return text;
}

std::string StreamDecoder::flush() {
    const std::string text = replace_invalid_utf8(tail_);
    tail_.clear();
    return text;
}

}  // namespace gradus
