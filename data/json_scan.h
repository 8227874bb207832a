#pragma once
// Validates a JSON text (RFC 8259) and extracts one value. Nothing else is built, so no number is too large and no
// nesting too deep. Open arrays and objects cost one bit each.
//
// Two things are accepted that the grammar allows and most parsers refuse: numbers outside the range of any type, and
// escapes of half a surrogate pair, which become U+FFFD.
#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {

struct JsonScan {
    bool valid = false;
    size_t column = 1;  // of the error, in bytes, from 1
    std::string cause;  // of the error

    bool is_object = false;
    bool has_key = false, is_string = false;
    std::string text;  // the first value of the key, if that is a string
    std::string keys;  // "a", "b", …: the keys of the object, about 200 bytes at most
};

// The text must be UTF-8.
JsonScan scan_json(std::string_view text, std::string_view key);

}  // namespace gradus
