#include "engine/checkpoint/json_text.h"

#include <unordered_set>
#include <vector>

#include "engine/base/error.h"

namespace gradus {

namespace {

constexpr size_t deepest = 32;

std::string cut(const std::string& text, size_t longest) {
    if (text.size() <= longest) return text;
    size_t end = longest;
    while (end > 0 && (text[end] & 0xc0) == 0x80) --end;  // between two characters of UTF-8
    return text.substr(0, end) + "…";
}

}  // namespace

std::string shown(const std::string& name) {
    std::string text = "'";
    return text.append(cut(name, 120)).append("'");
}

JsonText try_parse_json(std::string_view text) {
    using json = nlohmann::json;
    JsonText read;
    std::vector<std::unordered_set<std::string>> open;  // the keys seen of each object and list that is open
    auto watch = [&](int, json::parse_event_t event, json& parsed) {
        switch (event) {
            case json::parse_event_t::object_start:
            case json::parse_event_t::array_start:
                open.emplace_back();
                if (open.size() > deepest)
                    read.problem = "its JSON is nested deeper than " + std::to_string(deepest) + " levels";
                break;
            case json::parse_event_t::object_end:
            case json::parse_event_t::array_end: open.pop_back(); break;
            case json::parse_event_t::key:
                if (!open.back().insert(parsed.get_ref<const std::string&>()).second)
                    read.problem = "it has the key " + shown(parsed.get_ref<const std::string&>()) + " twice";
                break;
            case json::parse_event_t::value: break;
        }
        return read.problem.empty();  // after a problem nothing more is kept
    };
    try {  // the library knows the place of an error only as an exception
        read.value = json::parse(text.begin(), text.end(), watch);
    } catch (const json::exception& e) {
        const std::string reason = e.what();  // "[json.exception.…] parse error at line 1, column 2: …"
        const size_t start = reason.find("] ");
        if (read.problem.empty())
            read.problem = cut(start == std::string::npos ? reason : reason.substr(start + 2), 240);
    }
    return read;
}

nlohmann::json parse_json(std::string_view text, const std::string& file, const std::string& fix) {
    JsonText read = try_parse_json(text);
    if (!read.problem.empty()) throw Error("cannot understand '" + file + "'", read.problem, fix);
    return std::move(read.value);
}

}  // namespace gradus
