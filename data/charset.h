#pragma once
// Converts bytes of unknown encoding to UTF-8. The encoding is the first of these that applies:
//
//   1  a byte order mark (UTF-8, UTF-16 LE, UTF-16 BE)
//   2  an encoding that writes its characters as ASCII bytes, if a page declares it and has only ASCII bytes: UTF-16 by
//      its XML declaration, ISO-2022-JP, and those that the standard replaces by one U+FFFD (ISO-2022-KR, HZ)
//   3  UTF-8, if the bytes are UTF-8 or nearly: at most one ill-formed part per thousand bytes, and fewer ill-formed parts
//      than valid characters beyond ASCII. A single bad byte must not change the encoding of a whole page, and many
//      UTF-8 pages declare something else
//   4  what a page declares (html_prescan.h): in HTML a <meta>, then the XML declaration; in XML the other way round
//   5  uchardet's guess
//   6  windows-1252
//
// Bytes that are invalid in that encoding become U+FFFD. Never fails.
#include <string>
#include <string_view>

#include "data/markup.h"

namespace gradus {

std::string to_utf8(std::string_view bytes, Markup markup);

}  // namespace gradus
