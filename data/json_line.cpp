#include "data/json_line.h"

#include <simdjson.h>

#include "data/json_scan.h"
#include "data/text.h"

namespace gradus {

// simdjson is fast but refuses some well-formed lines: large numbers, deep nesting, half surrogate pairs. If it returns
// no text, scan_json decides, which also says what is wrong and where.
std::optional<std::string> text_of_json_line(std::string_view line, const std::string& key, BadLine& bad) {
    thread_local simdjson::dom::parser parser;
    std::string repaired;
    if (!is_valid_utf8(line)) line = repaired = repair_utf8(line);
    simdjson::dom::object object;
    std::string_view text;
    if (!parser.parse(line.data(), line.size()).get(object) && !object.at_key(key).get(text)) return std::string(text);

    JsonScan scan = scan_json(line, key);
    const std::string quoted = "\"" + key + "\"";
    if (!scan.valid) bad = {scan.column, scan.cause, ""};
    else if (!scan.is_object) bad = {1, "the line is a JSON value but not an object", ""};
    else if (scan.is_string) return std::move(scan.text);
    else
        bad = {1,
               scan.has_key ? "the value of " + quoted + " is not a string"
                            : "the object has no key " + quoted + " but " + (scan.keys.empty() ? "no keys" : scan.keys),
               "name the key that holds the text: --text-key KEY"};
    return std::nullopt;
}

void append_json_string(std::string& out, std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string repaired;
    if (!is_valid_utf8(text)) text = repaired = repair_utf8(text);
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\t': out += "\\t"; break;
            case '\r': out += "\\r"; break;
            default:
                if (uint8_t(c) < 0x20) out += {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
                else out += c;
        }
    }
    out += '"';
}

bool fits_json_line(std::string_view text, std::string_view source, size_t most) {
    constexpr size_t around = 32, widest = 6;  // {"text": "", "source": ""}; \u0001
    if (source.size() > most / widest || most - widest * source.size() < around) return false;
    size_t room = most - widest * source.size() - around;
    if (text.size() <= room / widest) return true;  // almost always
    for (const char c : text) {
        const size_t bytes = uint8_t(c) >= 0x20                    ? (c == '"' || c == '\\' ? 2 : 1)
                             : c == '\n' || c == '\t' || c == '\r' ? 2
                                                                   : widest;
        if (bytes > room) return false;
        room -= bytes;
    }
    return true;
}

void append_json_line(std::string& line, std::string_view text, std::string_view source) {
    line += "{\"text\": ";
    append_json_string(line, text);
    line += ", \"source\": ";
    append_json_string(line, source);
    line += "}\n";
}

}  // namespace gradus
