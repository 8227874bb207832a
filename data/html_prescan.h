#pragma once
// The encoding that a page declares about itself, found before it is parsed.
//
//   prescan_html   the standard's prescan of the first 1024 bytes: <meta charset>, <meta http-equiv content>, comments
//                  skipped, then the XML declaration. A page that declares UTF-16 in bytes that could be read means
//                  UTF-8; x-user-defined means windows-1252
//   late_meta      the same <meta> further down, up to 64 KiB: the parser of a browser changes its encoding when it
//                  meets one there. What stands inside script, style, title, textarea is no tag
//   xml_encoding   <?xml … encoding="…"?>
//
// Each gives nullptr when nothing is declared, or a label that the standard does not know.
// Source: https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
#include <string_view>

#include "data/encoding.h"

namespace gradus {

const Encoding* prescan_html(std::string_view bytes);
const Encoding* late_meta(std::string_view bytes);
const Encoding* xml_encoding(std::string_view bytes);

}  // namespace gradus
