#include "align/feedback/principles.h"

#include <nlohmann/json.hpp>

#include "align/template/message.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {

constexpr uint64_t purpose_of_principles = 0x7072696e;  // keeps these draws apart from others of the same seed

[[noreturn]] void bad_principle(const std::string& place, const std::string& problem) {
    throw Error("bad principle at '" + place + "'", problem,
                R"(write lines such as {"principle": "…"} or {"critique": "…", "revision": "…"})");
}

Principle from_json(const std::string& line, const std::string& place) {
    const JsonText json = try_parse_json(line);
    if (!json.problem.empty()) bad_principle(place, "the line begins with { and is not JSON: " + json.reason);
    Principle p;
    for (const auto& [key, value] : json.value.items()) {
        std::string* const part = key == "principle"  ? &p.text
                                  : key == "critique" ? &p.critique
                                  : key == "revision" ? &p.revision
                                                      : nullptr;
        if (!part) bad_principle(place, "it has the unknown key " + shown(key));
        if (!value.is_string()) bad_principle(place, "the value of '" + key + "' is not a string");
        *part = stripped(value.get<std::string>());
    }
    return p;
}

Principle from_text(std::string_view line, const std::string& place) {
    std::vector<std::string> parts;
    for (size_t at = 0; at <= line.size();) {
        const size_t end = std::min(line.find('|', at), line.size());
        parts.emplace_back(stripped(line.substr(at, end - at)));
        at = end + 1;
    }
    for (const std::string& part : parts)
        if (part.empty()) bad_principle(place, "a part between | is empty");
    if (parts.size() == 1) return {parts[0], "", ""};
    if (parts.size() == 2) return {"", parts[0], parts[1]};
    if (parts.size() == 3) return {parts[0], parts[1], parts[2]};
    bad_principle(place,
                  "it has " + std::to_string(parts.size()) + " parts between |, and at most three have a meaning");
}

void complete(Principle& p, const std::string& place, PrincipleUse use) {
    if (!p.text.empty() && p.critique.empty())
        p.critique = "Name every way in which the answer does not follow this principle: " + p.text;
    if (!p.text.empty() && p.revision.empty())
        p.revision = "Rewrite the answer so that it follows this principle: " + p.text;
    if (use == PrincipleUse::judge && p.text.empty())
        bad_principle(place, "it has no principle to compare two answers by, only a critique and a revision");
    if (use == PrincipleUse::revise && (p.critique.empty() || p.revision.empty()))
        bad_principle(place, p.critique.empty() ? "it has neither a principle nor a critique"
                                                : "it has neither a principle nor a revision");
}

}  // namespace

std::vector<Principle> parse_principles(std::string_view text, const std::string& file, PrincipleUse use) {
    const std::string repaired = repair_utf8(text);
    std::vector<Principle> all;
    int64_t number = 0;
    for (size_t at = 0; at < repaired.size();) {
        const size_t end = std::min(repaired.find('\n', at), repaired.size());
        const std::string_view line = stripped(std::string_view(repaired).substr(at, end - at));
        at = end + 1;
        ++number;
        if (line.empty() || line[0] == '#') continue;
        const std::string place = file + ":" + std::to_string(number);
        Principle p = line[0] == '{' ? from_json(std::string(line), place) : from_text(line, place);
        complete(p, place, use);
        all.push_back(std::move(p));
    }
    if (all.empty())
        throw Error("'" + file + "' has no principles", text.empty() ? "the file is empty" : "all lines are comments",
                    "write one principle a line, or leave out --principles to use the included ones");
    return all;
}

std::vector<Principle> read_principles(const fs::path& path, PrincipleUse use) {
    return parse_principles(read_file(path), path.string(), use);
}

size_t drawn_principle(uint64_t seed, uint64_t identity, uint64_t round, size_t count) {
    CHECK(count > 0);
    return size_t(Philox{key_of(seed, purpose_of_principles)}.bits(identity, round) % count);
}

}  // namespace gradus
