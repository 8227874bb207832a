#pragma once
// The standard's indexes: pointer → character, 0 where there is none.
//
// They are read out of the C library's converters at their first use, and corrected where the standard differs from them
// (tests/goldens/charset/ holds its own tables' checksums). Empty when the C library lacks the converter.
// Source: https://encoding.spec.whatwg.org/#indexes
#include <cstdint>
#include <vector>

namespace gradus {

using EncodingIndex = std::vector<char32_t>;

const EncodingIndex& gb18030_index();                       // (lead - 0x81) · 190 + trail
const EncodingIndex& gb18030_four_byte_index();             // of the basic plane
const EncodingIndex& big5_index();                          // (lead - 0x81) · 157 + trail
const EncodingIndex& euc_kr_index();                        // (lead - 0x81) · 190 + trail - 0x41
const EncodingIndex& jis0208_index();                       // lead · 188 + trail of Shift_JIS; row · 94 + column
const EncodingIndex& jis0212_index();                       // row · 94 + column
const EncodingIndex& single_byte_index(const char* iconv);  // byte - 0x80

}  // namespace gradus
