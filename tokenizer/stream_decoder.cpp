// Text as it is generated.
#include "tokenizer/stream_decoder.h"

#include "tokenizer/unicode.h"

namespace gradus {

std::string replace_invalid_utf8(std::string_view bytes) {
    std::string text;
    const char* const end = bytes.data() + bytes.size();
    for (const char* at = bytes.data(); at < end;) {
        const Utf8Char next = decode_utf8(at, end);
        const size_t length = next.valid ? size_t(next.length) : maximal_subpart(at, end);
        if (next.valid) text.append(at, length);
        else append_utf8(text, 0xFFFD);
        at += length;
    }
    return text;
}

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
