#pragma once
// Unicode's normal forms NFC, NFD, NFKC and NFKD, by the tables of Hugging Face's library (Unicode 9.0).
//
// A text is cut before every boundary: a code point of combining class 0 that the form keeps and that never joins the one before it. What is
// between two boundaries is a segment, which is normalized by itself; one that is a boundary alone stays as it is. So text without marks
// costs a look at each code point, and ASCII less than that.
//
// Source: Unicode standard, 3.11 and 3.12; Unicode Standard Annex 15.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/parts/normalizer.h"

namespace gradus {

// A code point of a normalized segment. The segment's own code points are counted through `change`, in order, as that library counts them
// for its offsets: 0 stands for the next one, 1 for none (it belongs to what was counted last), -n for the next one and n more.
struct NormalizedUnit {
    char32_t code;
    int32_t change;
};

bool is_boundary(char32_t code, parts::NormalForm form);

// Normalizes the units of one segment; writes over `normalized`. Linear in the segment's length.
void normalize_segment(const std::vector<char32_t>& segment, parts::NormalForm form,
                       std::vector<NormalizedUnit>& normalized);

// The beginning and the end of the first segment from `at` on, itself a segment's beginning, that has more than a boundary; {size, size} if
// there is none.
struct Segment {
    size_t begin, end;
};
Segment next_segment(std::string_view text, size_t at, parts::NormalForm form);

std::string normal_form(std::string_view text, parts::NormalForm form);

}  // namespace gradus
