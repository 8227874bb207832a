#include "data/json_line.h"

#include <simdjson.h>

#include <algorithm>

#include "data/text.h"
#include "engine/base/json_events.h"

namespace gradus {

namespace {

// simdjson is fast and does not say where an error is; nlohmann's parser, told to build nothing, does.
struct ErrorFinder : JsonEvents {
    size_t column = 1;
    std::string cause = "not a JSON object";

    bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) override {
        column = position;
        const std::string_view message = error.what();  // "[json.exception…] parse error at line 1, column 9: …"
        const size_t detail = message.find(": ");
        cause = std::string(detail == std::string_view::npos ? message : message.substr(detail + 2));
        return false;
    }
};

int hex4(std::string_view text) {
    int value = 0;
    for (const char c : text.substr(0, 4)) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return text.size() < 4 ? -1 : value;
}

bool is_high(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

std::string without_lone_surrogates(std::string_view line) {
    std::string result(line);
    for (size_t i = 0; i + 1 < result.size(); ++i) {
        if (result[i] != '\\') continue;
        if (result[i + 1] != 'u') {
            ++i;
            continue;
        }
        const std::string_view rest = std::string_view(result).substr(i);
        const int unit = hex4(rest.substr(2));
        const bool escape_follows = rest.size() >= 12 && rest[6] == '\\' && rest[7] == 'u';
        if (is_high(unit) && escape_follows && is_low(hex4(rest.substr(8)))) {
            i += 11;
        } else if (is_high(unit) || is_low(unit)) {
            result.replace(i + 2, 4, "fffd");
            i += 5;
        }
    }
    return result;
}

std::string keys_of(const simdjson::dom::object& object) {
    std::string keys;
    for (const auto field : object) {
        if (keys.size() > 200) return keys + ", …";
        keys += (keys.empty() ? "\"" : ", \"") + std::string(field.key) + "\"";
    }
    return keys.empty() ? "no keys" : keys;
}

}  // namespace

std::optional<std::string> text_of_json_line(std::string_view line, const std::string& key, BadLine& bad) {
    thread_local simdjson::dom::parser parser;
    std::string repaired;
    if (!is_valid_utf8(line)) line = repaired = repair_utf8(line);
    simdjson::dom::element element;
    simdjson::error_code failure = parser.parse(line.data(), line.size()).get(element);
    if (failure == simdjson::STRING_ERROR) {
        line = repaired = without_lone_surrogates(line);
        failure = parser.parse(line.data(), line.size()).get(element);
    }
    simdjson::dom::object object;
    if (failure || element.get(object)) {
        ErrorFinder finder;
        if (!failure) finder.cause = "the line holds a JSON value that is not an object";
        else if (nlohmann::json::sax_parse(line, &finder)) finder.cause = simdjson::error_message(failure);
        bad = {std::max<size_t>(finder.column, 1), finder.cause, ""};
        return std::nullopt;
    }
    std::string_view text;
    const simdjson::error_code absent = object.at_key(key).get(text);
    if (!absent) return std::string(text);
    const std::string quoted = "\"" + key + "\"";
    bad = {1,
           absent == simdjson::NO_SUCH_FIELD ? "the object has no key " + quoted + " but " + keys_of(object)
                                             : "the value of " + quoted + " is not a string",
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
