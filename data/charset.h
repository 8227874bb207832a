#pragma once
// Bytes of unknown encoding → UTF-8. The first of these that answers decides:
//
//   1  a byte order mark (UTF-8, UTF-16 LE, UTF-16 BE)
//   2  an encoding that hides its characters in ASCII, where a page declares it and holds nothing but ASCII: UTF-16 by
//      its XML declaration, ISO-2022-JP, and those that the standard replaces by one U+FFFD (ISO-2022-KR, HZ)
//   3  the bytes are UTF-8, or nearly: at most one ill-formed part in a thousand bytes, and fewer of those than of
//      good characters beyond ASCII. A single bad byte must not turn a whole page into another alphabet, and pages in
//      UTF-8 that declare something else are common
//   4  what a page declares (html_prescan.h): for HTML a <meta>, then the XML declaration; for XML the other way round
//   5  the guess of uchardet
//   6  windows-1252
//
// Bytes that have no meaning in that encoding become U+FFFD. Never fails.
#include <string>
#include <string_view>

#include "data/markup.h"

namespace gradus {

std::string to_utf8(std::string_view bytes, Markup markup);

}  // namespace gradus
