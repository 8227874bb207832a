#include "engine/base/json_text.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

using json = nlohmann::json;

constexpr int deepest = 64;
constexpr size_t longest_reason = 240, nowhere = std::string_view::npos;

// The position of the first bracket that is nested deeper than `deepest`, outside strings.
size_t too_deep_at(std::string_view text) {
    bool in_string = false;
    int depth = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest) return i;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return nowhere;
}

// Finds the first duplicate key of an object. A SAX handler, which keeps no values: the library's callback for keys
// would search an object again at the end of every member.
class RepeatedKey : public nlohmann::json_sax<json> {
public:
    bool found = false;
    std::string name;

    bool key(string_t& key) override {
        found = !open_.back().insert(key).second;
        if (found) name = key;
        return !found;
    }
    bool start_object(size_t) override { return open(); }
    bool start_array(size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool parse_error(size_t, const std::string&, const json::exception&) override { return false; }

private:
    bool open() {
        open_.emplace_back();
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::vector<std::unordered_set<std::string>> open_;  // the keys so far of each open object or list
};

JsonText refused(std::string_view text, size_t at, const std::string& reason) {
    JsonText result;
    result.reason = on_one_line(reason, longest_reason);
    result.problem = result.reason;
    if (at == nowhere) return result;
    const std::string_view before = text.substr(0, at);
    const size_t feed = before.rfind('\n');
    result.line = std::count(before.begin(), before.end(), '\n') + 1;
    result.column = int64_t(before.size() - (feed == nowhere ? 0 : feed + 1)) + 1;
    result.problem =
        "line " + std::to_string(result.line) + ", column " + std::to_string(result.column) + ": " + result.reason;
    return result;
}

// "[json.exception.parse_error.101] parse error at line 1, column 2: REASON", or without a position
std::string reason_of(const json::exception& e) {
    std::string reason = e.what();
    if (const size_t end = reason.find("] "); end != nowhere) reason.erase(0, end + 2);
    if (const size_t end = reason.find(": "); reason.starts_with("parse error at ") && end != nowhere)
        reason.erase(0, end + 2);
    return reason;
}

}  // namespace

JsonText try_parse_json(std::string_view text, JsonKeys keys) {
    if (const size_t at = too_deep_at(text); at != nowhere)
        return refused(text, at, "its JSON is nested deeper than " + std::to_string(deepest) + " levels");
    if (keys == JsonKeys::unique) {
        RepeatedKey repeated;
        json::sax_parse(text.begin(), text.end(), &repeated);
        if (repeated.found) return refused(text, nowhere, "it has the key " + shown(repeated.name) + " twice");
    }
    try {
        return {.value = json::parse(text.begin(), text.end()), .problem = {}, .reason = {}};
    } catch (const json::parse_error& e) {
        return refused(text, std::min(text.size(), e.byte > 0 ? e.byte - 1 : 0), reason_of(e));
    } catch (const json::exception& e) { return refused(text, nowhere, reason_of(e)); }
}

nlohmann::json parse_json(std::string_view text, const std::string& file, const std::string& fix) {
    JsonText read = try_parse_json(text);
    if (!read.problem.empty()) throw Error("cannot understand '" + file + "'", read.problem, fix);
    return std::move(read.value);
}

}  // namespace gradus
