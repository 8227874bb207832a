// The generated runs, expanded once.
#include "tokenizer/unicode/properties.h"

#include <string>

#include "tokenizer/unicode/code_point_table.h"

namespace gradus {

namespace {

std::string folded(std::string_view name) {
    std::string letters;
    for (const char c : name) {
        if (c == ' ' || c == '-' || c == '_') continue;
        letters += c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c;
    }
    return letters;
}

}  // namespace

Properties properties_of(char32_t code) {
    static const CodePointTable<uint16_t> indices(expand_runs<uint16_t>(unicode_tables::property_runs));
    return code < code_point_count ? Properties{unicode_tables::property_values.first[indices[code]]} : Properties{};
}

uint32_t script_of(char32_t code) {
    static const CodePointTable<uint8_t> scripts(expand_runs<uint8_t>(unicode_tables::script_runs));
    return code < code_point_count ? scripts[code] : 0;
}

std::optional<uint32_t> find_script(std::string_view name) {
    const std::string wanted = folded(name);
    for (uint32_t i = 0; i < unicode_tables::script_names.size; ++i)
        if (folded(unicode_tables::script_names.first[i]) == wanted) return i + 1;
    return std::nullopt;
}

uint32_t splitting_script_of(char32_t code) {
    static const CodePointTable<uint8_t> scripts(expand_runs<uint8_t>(unicode_tables::splitting_script_runs));
    return code < code_point_count ? scripts[code] : 0;
}

}  // namespace gradus
