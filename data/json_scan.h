#pragma once
// A JSON text (RFC 8259) checked from end to end, and one value of it taken: no more is built, so no number is too
// large and no nesting too deep. The open arrays and objects cost one bit each.
//
// Two things that the grammar allows and most parsers refuse are read: numbers outside the range of any type, and escapes
// of half a surrogate pair, which become U+FFFD.
#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {

struct JsonScan {
    bool valid = false;
    size_t column = 1;  // of what is wrong, in bytes, from 1
    std::string cause;  // what is wrong

    bool is_object = false;
    bool has_key = false, is_string = false;
    std::string text;  // of the first value under the key, when that is a string
    std::string keys;  // "a", "b", …: the object's own, about 200 bytes at most
};

// The text must be UTF-8.
JsonScan scan_json(std::string_view text, std::string_view key);

}  // namespace gradus
