#include "data/prepare_report.h"

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/file.h"

namespace gradus {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* format = "gradus data prepare 1";

Json json_of(const SplitReport& split) {
    return {{"documents", split.documents}, {"bytes", split.bytes}, {"tokens", split.tokens}};
}

int64_t count_in(const Json& json, const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_number_integer() ? json[key].get<int64_t>() : 0;
}

SplitReport split_of(const Json& json, const char* key) {
    const auto split = json.find(key);
    if (split == json.end()) return {};
    return {count_in(*split, "documents"), count_in(*split, "bytes"), count_in(*split, "tokens")};
}

}  // namespace

void write_report(const std::filesystem::path& path, const PrepareReport& report) {
    int64_t of_other_kinds = 0;
    for (const auto& [kind, other] : report.other_kinds) of_other_kinds += other.files;
    Json json = {{"format", format},
                 {"inputs", report.inputs},
                 {"files", report.files},
                 {"documents", report.documents},
                 {"bytes", report.bytes},
                 {"bad_lines", report.bad_lines},
                 {"dropped", Json::object()},
                 {"other_files", of_other_kinds},
                 {"other_kinds", Json::object()},
                 {"repeated_files", report.repeated_files},
                 {"repeated_folders", report.repeated_folders},
                 {"broken_links", report.broken_links},
                 {"split", name_of(report.split)},
                 {"train", json_of(report.train)},
                 {"val", json_of(report.val)},
                 {"seconds", report.seconds}};
    for (const auto& [reason, documents] : report.dropped) json["dropped"][reason] = documents;
    for (const auto& [kind, other] : report.other_kinds)
        json["other_kinds"][kind] = {{"files", other.files}, {"example", other.example}};
    // File names may be invalid UTF-8; the report must not.
    write_file_atomically(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

PrepareReport read_report(const std::filesystem::path& path) {
    const Json json = Json::parse(read_file(path), nullptr, false);
    if (!json.is_object() || !json.contains("format") || json["format"] != format)
        throw Error("'" + path.string() + "' is not a report of gradus data prepare",
                    "it is damaged or was written by another program",
                    "prepare the text again: gradus data prepare INPUT --out " + path.parent_path().string());
    PrepareReport report;
    if (json.contains("inputs") && json["inputs"].is_array())
        for (const Json& input : json["inputs"])
            if (input.is_string()) report.inputs.push_back(input.get<std::string>());
    report.files = count_in(json, "files");
    report.documents = count_in(json, "documents");
    report.bytes = count_in(json, "bytes");
    report.bad_lines = count_in(json, "bad_lines");
    if (json.contains("other_kinds") && json["other_kinds"].is_object())
        for (const auto& [kind, other] : json["other_kinds"].items()) {
            const bool named = other.is_object() && other.contains("example") && other["example"].is_string();
            report.other_kinds[kind] = {count_in(other, "files"), named ? other["example"].get<std::string>() : ""};
        }
    report.repeated_folders = count_in(json, "repeated_folders");
    if (json.contains("split") && json["split"] == name_of(SplitRule::tail)) report.split = SplitRule::tail;
    report.repeated_files = count_in(json, "repeated_files");
    report.broken_links = count_in(json, "broken_links");
    if (json.contains("dropped") && json["dropped"].is_object())
        for (const auto& [reason, documents] : json["dropped"].items())
            if (documents.is_number_integer()) report.dropped[reason] = documents.get<int64_t>();
    report.train = split_of(json, "train");
    report.val = split_of(json, "val");
    return report;
}

}  // namespace gradus
