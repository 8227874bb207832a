#pragma once
// Bytes of unknown encoding → UTF-8. The first of these that answers decides:
//
//   1  a byte order mark (UTF-8, UTF-16 LE, UTF-16 BE)
//   2  the bytes are UTF-8, or nearly: at most one ill-formed part in a thousand bytes, and fewer of those than of
//      good characters beyond ASCII. A single bad byte must not turn a whole page into another alphabet.
//   3  for HTML, the charset that a <meta> among the first 4096 bytes declares, by WHATWG's labels: "iso-8859-1" and
//      "ascii" mean windows-1252, as in every browser
//   4  the guess of uchardet
//   5  windows-1252
//
// Bytes that have no meaning in that encoding become U+FFFD. Never fails.
#include <string>
#include <string_view>

namespace gradus {

enum class Markup { none, html };

std::string to_utf8(std::string_view bytes, Markup markup);

// The label that a <meta charset=…> or <meta http-equiv … content="…; charset=…"> declares; empty when none does.
std::string declared_charset(std::string_view html);

}  // namespace gradus
