#pragma once
// The encodings of the web: each with its decoder and with all labels that pages give to it.
//
// Old labels mean the superset that browsers decode with: "iso-8859-1" and "ascii" are windows-1252, "latin5" is
// windows-1254, "gb2312" is GBK, "ks_c_5601-1987" is EUC-KR with the rest of Hangul.
// Source: https://encoding.spec.whatwg.org/#names-and-labels
#include <string_view>

namespace gradus {

enum class Decoder {
    utf8,
    single_byte,
    gb18030,
    big5,
    euc_jp,
    iso_2022_jp,
    shift_jis,
    euc_kr,
    utf16_be,
    utf16_le,
    replacement,  // encodings that hide markup from a parser that does not know them: decoded as one U+FFFD
    user_defined,
};

struct Encoding {
    std::string_view name;  // the standard's, for example "windows-1252"
    Decoder decoder;
    const char* iconv;        // of a single-byte encoding: what the C library calls it
    std::string_view labels;  // small letters, separated by spaces
};

// White space around the label and capital letters do not matter. nullptr: the standard does not know the label.
const Encoding* encoding_of_label(std::string_view label);

}  // namespace gradus
