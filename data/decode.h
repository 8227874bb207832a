#pragma once
// Decodes bytes in one of the web's encodings to UTF-8, as the Encoding Standard specifies.
//
// Invalid bytes become U+FFFD, exactly as many as in a browser: an ASCII byte after the first byte of a character is
// never consumed with it. A byte order mark is treated like other characters; charset.h removes it.
// Source: https://encoding.spec.whatwg.org/#the-encoding
#include <optional>
#include <string>
#include <string_view>

#include "data/encoding.h"

namespace gradus {

// Empty if the C library lacks the table of the encoding.
std::optional<std::string> decode(std::string_view bytes, const Encoding& encoding);

}  // namespace gradus
