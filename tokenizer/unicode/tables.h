#pragma once
// The generated tables behind properties.h, normal_forms.h and lower_case.h, in the form that they have in the source.
#include <cstddef>
#include <cstdint>

namespace gradus::unicode_tables {

template <class Number>
struct Numbers {
    const Number* first;
    size_t size;
    const Number* begin() const { return first; }
    const Number* end() const { return first + size; }
};

// Runs: alternately a number of code points and the value that they have, from U+0000 on.
extern const Numbers<uint32_t> property_runs;    // indices into property_values
extern const Numbers<uint32_t> property_values;  // a Properties each
extern const Numbers<uint32_t> script_runs;      // 1 + an index into script_names, or 0
extern const Numbers<const char*> script_names;
extern const Numbers<uint32_t> splitting_script_runs;
extern const Numbers<uint32_t> combining_class_runs;

// Mappings: the distance from the code point before, the number of code points that it becomes, and these.
extern const Numbers<uint32_t> canonical_decompositions;   // complete, without Hangul
extern const Numbers<uint32_t> compatible_decompositions;  // complete, where they differ from the canonical ones
extern const Numbers<uint32_t> lower_case_mappings;

extern const Numbers<uint32_t> compositions;  // triples: the result, the first and the second code point

}  // namespace gradus::unicode_tables
