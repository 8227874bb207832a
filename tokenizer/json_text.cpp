// Parses JSON with Errors that name line and column.
#include "tokenizer/json_text.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr int deepest = 64;
constexpr size_t longest_reason = 120;

// "t.json:2:7: "
std::string place(std::string_view text, size_t offset, const std::string& name) {
    const std::string_view before = text.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t last_line = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return name + ":" + std::to_string(line) + ":" + std::to_string(before.size() - last_line + 1) + ": ";
}

// Where brackets outside of strings nest too deeply; npos if they do not.
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
    return std::string_view::npos;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name) {
    if (const size_t at = too_deep_at(text); at != std::string_view::npos)
        throw Error(
            "'" + name + "' is not a file of this kind",
            place(text, at, name) + "lists and objects are nested deeper than " + std::to_string(deepest) + " levels",
            "copy the file again from its source");
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& problem) {
        throw Error("'" + name + "' is not JSON",
                    place(text, problem.byte > 0 ? problem.byte - 1 : 0, name) + "the text is not valid JSON here",
                    text.empty() ? "the file is empty: copy it again" : "the file may be truncated: copy it again");
    } catch (const nlohmann::json::exception& problem) {
        std::string reason = problem.what();  // "[json.exception.…] number overflow parsing '1e999'"
        reason.erase(0, reason.find("] ") == std::string::npos ? 0 : reason.find("] ") + 2);
        throw Error("'" + name + "' cannot be read", name + ": " + on_one_line(reason, longest_reason),
                    "copy the file again from its source");
    }
}

}  // namespace gradus
