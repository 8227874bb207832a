#pragma once
// The encodings of the web, each with its decoder and all labels that pages use for it.
//
// Old labels mean the superset that browsers decode: "iso-8859-1" and "ascii" are windows-1252, "latin5" is
// windows-1254, "gb2312" is GBK, "ks_c_5601-1987" is EUC-KR with all of Hangul.
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
    replacement,  // encodings that can hide markup from a parser that does not know them: decoded as one U+FFFD
    user_defined,
};

struct Encoding {
    std::string_view name;  // the name in the standard, for example "windows-1252"
    Decoder decoder;
    const char* iconv;        // for single-byte encodings: the name in the C library
    std::string_view labels;  // lower case, separated by spaces
};

// White space around the label and case are ignored. nullptr: the standard does not know the label.
const Encoding* encoding_of_label(std::string_view label);

}  // namespace gradus
