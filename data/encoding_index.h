#pragma once
// The indexes of the Encoding Standard: pointer → character, 0 if there is none.
//
// They are read from the C library's converters on first use and corrected where the standard differs
// (tests/goldens/charset/ has the checksums of the standard's own tables). Empty if the C library lacks the converter.
// Source: https://encoding.spec.whatwg.org/#indexes
#include <cstdint>
#include <vector>

namespace gradus {

using EncodingIndex = std::vector<char32_t>;

const EncodingIndex& gb18030_index();                       // (lead - 0x81) · 190 + trail
const EncodingIndex& gb18030_four_byte_index();             // of the basic multilingual plane
const EncodingIndex& big5_index();                          // (lead - 0x81) · 157 + trail
const EncodingIndex& euc_kr_index();                        // (lead - 0x81) · 190 + trail - 0x41
const EncodingIndex& jis0208_index();                       // lead · 188 + trail of Shift_JIS; row · 94 + column
const EncodingIndex& jis0212_index();                       // row · 94 + column
const EncodingIndex& single_byte_index(const char* iconv);  // byte - 0x80

}  // namespace gradus
