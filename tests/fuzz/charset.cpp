// Bytes in any encoding: the label that a page declares, and what each decoder makes of the bytes.
//
// The first byte chooses the encoding, so that a mutation of it is the same text in another one.
#include <algorithm>

#include "data/charset.h"
#include "data/decode.h"
#include "data/html_prescan.h"
#include "data/text.h"
#include "tests/fuzz/reading.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static constexpr const char* labels[] = {"utf-8",   "windows-1252", "koi8-u",   "iso-8859-8-i", "gbk",
                                             "gb18030", "big5",         "euc-jp",   "iso-2022-jp",  "shift_jis",
                                             "euc-kr",  "utf-16le",     "utf-16be", "iso-2022-kr",  "x-user-defined",
                                             "tis-620", "macintosh"};
    if (size == 0) return 0;
    const std::string bytes = fuzzing::as_text(data + 1, size - 1);
    const Encoding* const encoding = encoding_of_label(labels[data[0] % std::size(labels)]);
    fuzzing::require(encoding);
    const auto text = decode(bytes, *encoding);
    fuzzing::require(text && is_valid_utf8(*text) && text->size() <= 3 * bytes.size() + 3);
    // Decoders do not look behind: text that ends in ASCII goes on as if it began there. Escapes and pairs of bytes do.
    if (encoding->decoder == Decoder::single_byte && bytes.size() > 1)
        fuzzing::require(*text == *decode(bytes.substr(0, 1), *encoding) + *decode(bytes.substr(1), *encoding));
    for (const Markup markup : {Markup::none, Markup::html, Markup::xml})
        fuzzing::require(is_valid_utf8(to_utf8(bytes, markup)));
    for (const Encoding* declared : {prescan_html(bytes), late_meta(bytes), xml_encoding(bytes)})
        fuzzing::require(!declared || encoding_of_label(declared->name) == declared);
    encoding_of_label(bytes);
    return 0;
}
