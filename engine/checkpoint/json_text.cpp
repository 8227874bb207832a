#include "engine/checkpoint/json_text.h"

#include <unordered_set>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/json_events.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr size_t deepest = 32;

using json = nlohmann::json;

// Looks at a text without keeping any of it, each key once: the library's own callback looks through an object's keys again
// at the end of every member.
class Watcher : public JsonEvents {
public:
    std::string problem;

    bool start_object(size_t) override { return enter(); }
    bool start_array(size_t) override { return enter(); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }
    bool key(string_t& name) override {
        if (!open_.back().insert(name).second) problem = "it has the key " + shown(name) + " twice";
        return problem.empty();
    }
    bool parse_error(size_t, const std::string&, const json::exception& e) override {
        const std::string reason = e.what();  // "[json.exception.…] parse error at line 1, column 2: …"
        const size_t start = reason.find("] ");
        if (problem.empty()) problem = on_one_line(start == std::string::npos ? reason : reason.substr(start + 2), 240);
        return false;
    }

private:
    bool enter() {
        open_.emplace_back();
        if (open_.size() > deepest) problem = "its JSON is nested deeper than " + std::to_string(deepest) + " levels";
        return problem.empty();
    }
    bool leave() {
        open_.pop_back();
        return true;
    }

    std::vector<std::unordered_set<std::string>> open_;  // the keys seen of each object and list that is open
};

}  // namespace

std::string shown(const std::string& name) {
    std::string text = "'";
    return text.append(on_one_line(name, 120)).append("'");
}

JsonText try_parse_json(std::string_view text) {
    Watcher watcher;
    if (!json::sax_parse(text.begin(), text.end(), &watcher) && watcher.problem.empty())
        watcher.problem = "it is no JSON";
    if (!watcher.problem.empty()) return {{}, watcher.problem};
    return {json::parse(text.begin(), text.end()), ""};
}

nlohmann::json parse_json(std::string_view text, const std::string& file, const std::string& fix) {
    JsonText read = try_parse_json(text);
    if (!read.problem.empty()) throw Error("cannot understand '" + file + "'", read.problem, fix);
    return std::move(read.value);
}

}  // namespace gradus
