#pragma once
// Finds the encoding that a page declares, before the page is parsed.
//
//   prescan_html   the standard's prescan of the first 1024 bytes: <meta charset>, <meta http-equiv content>, without
//                  comments, then the XML declaration. A declaration of UTF-16 in readable bytes means UTF-8;
//                  x-user-defined means windows-1252
//   late_meta      the same <meta> further down, up to 64 KiB: a browser's parser changes its encoding when it finds one
//                  there. The content of script, style, title and textarea is not markup
//   xml_encoding   <?xml … encoding="…"?>
//
// Each returns nullptr if nothing is declared, or a label that the standard does not know.
// Source: https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding
#include <string_view>

#include "data/encoding.h"

namespace gradus {

const Encoding* prescan_html(std::string_view bytes);
const Encoding* late_meta(std::string_view bytes);
const Encoding* xml_encoding(std::string_view bytes);

}  // namespace gradus
