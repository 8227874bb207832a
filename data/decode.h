#pragma once
// Bytes in one of the web's encodings → UTF-8, by the standard's decoders.
//
// What has no meaning becomes U+FFFD, as many of them as in a browser: an ASCII byte behind the first byte of a
// character is never taken away with it. A byte order mark is a character like others: charset.h takes it off.
// Source: https://encoding.spec.whatwg.org/#the-encoding
#include <optional>
#include <string>
#include <string_view>

#include "data/encoding.h"

namespace gradus {

// Nothing when the C library lacks the table of the encoding.
std::optional<std::string> decode(std::string_view bytes, const Encoding& encoding);

}  // namespace gradus
